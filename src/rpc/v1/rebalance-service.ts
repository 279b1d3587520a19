import type { ServiceImpl } from "@connectrpc/connect";
import type { RebalanceService } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import type { Gates } from "../../domain/rebalance/negotiation.ts";
import { planRebalanceCall } from "../../orchestration/plan-rebalance/plan-rebalance.ts";
import { fromRebalanceRequest, toRebalancePlan } from "./convert.ts";

/** What is served of `worldservice.v1.RebalanceService`. */
export function rebalanceServiceV1(gates: Gates): Partial<ServiceImpl<typeof RebalanceService>> {
  return {
    planRebalance(request) {
      const { plan } = planRebalanceCall(gates, fromRebalanceRequest(request.rebalance, "rebalance"));
      return { plan: toRebalancePlan(plan) };
    },
  };
}
