import type { ServiceImpl } from "@connectrpc/connect";
import type { RebalanceService } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { applyRebalance } from "../../orchestration/apply-rebalance/apply-rebalance.ts";
import { executeRebalance } from "../../orchestration/execute/execute-rebalance.ts";
import { planWithFigures } from "../../orchestration/plan-rebalance/plan-rebalance.ts";
import { getAppliedRun, listAppliedRuns } from "../../orchestration/read-runs/read-runs.ts";
import type { WriteDeps } from "../../orchestration/shared/deps.ts";
import { callOptions } from "../call-options.ts";
import { fromPageToken, pageSize, toPageToken } from "../pages.ts";
import { fromRebalanceRequest, toApplyResponse, toRebalancePlan, toRebalanceRun } from "./convert.ts";
import { fromExecuteRequest, toExecuteResponse } from "./convert-orders.ts";

/** What is served of `worldservice.v2.RebalanceService`. */
export function rebalanceServiceV2(deps: WriteDeps): Partial<ServiceImpl<typeof RebalanceService>> {
  return {
    async planRebalance(request) {
      const call = fromRebalanceRequest(request.rebalance, "rebalance");
      const planned = await planWithFigures(deps, call);
      return { plan: toRebalancePlan({ ...planned, intent: call.intent }) };
    },
    async applyRebalance(request, context) {
      const call = fromRebalanceRequest(request.rebalance, "rebalance");
      return toApplyResponse(await applyRebalance(deps, request.runId, call, callOptions(context)));
    },
    async executeRebalance(request, context) {
      const call = fromExecuteRequest(request);
      return toExecuteResponse(await executeRebalance(deps, call, callOptions(context)), deps.gates);
    },
    async getRebalanceRun(request) {
      return { run: toRebalanceRun(await getAppliedRun(deps.store, request.runId)) };
    },
    async listRebalanceRuns(request) {
      const position = fromPageToken(request.pageToken, ["", 0]);
      const after = position === undefined ? undefined : { id: position[0], created: position[1] };
      const { runs, next } = await listAppliedRuns(deps.store, pageSize(request.pageSize), after);
      return { runs: runs.map(toRebalanceRun), nextPageToken: toPageToken(next && [next.id, next.created]) };
    },
  };
}
