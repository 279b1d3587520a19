import type { ServiceImpl } from "@connectrpc/connect";
import type { RebalanceService } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import type { Gates } from "../../domain/rebalance/negotiation.ts";
import { planRebalanceCall } from "../../orchestration/plan-rebalance/plan-rebalance.ts";
import { fromRebalanceRequest, toRebalancePlan } from "./convert.ts";

/** What is served of `worldservice.v2.RebalanceService`. */
export function rebalanceServiceV2(gates: Gates): Partial<ServiceImpl<typeof RebalanceService>> {
  return {
    planRebalance(request) {
      const call = fromRebalanceRequest(request.rebalance, "rebalance");
      const { negotiated, plan } = planRebalanceCall(gates, call);
      return { plan: toRebalancePlan(plan, negotiated, call.intent) };
    },
  };
}
