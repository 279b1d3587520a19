import type { ExecutionStatus } from "../domain/events/types.ts";
import type { Execution } from "../domain/orders/execution.ts";
import type { Gates } from "../domain/rebalance/negotiation.ts";

/** What both packages tell of an execution and of the deployment it ran in. */
export interface ExecutionTold {
  readonly status: ExecutionStatus;
  readonly submitted: boolean;
  readonly rebalanceSchemaVersion: number;
  readonly alphaMetricsCapable: boolean;
  readonly compatRebalanceV2: boolean;
  readonly alphaMetricsRequired: boolean;
}

/** @param execution undefined where nothing was submitted. */
export function executionFacts(execution: Execution | undefined, gates: Gates): ExecutionTold {
  return {
    status: execution?.header.status ?? "NOT_REQUESTED",
    submitted: execution?.legs.some(({ attempts }) => attempts > 0) ?? false,
    rebalanceSchemaVersion: gates.compatRebalanceV2 ? 2 : 1,
    alphaMetricsCapable: gates.compatRebalanceV2,
    compatRebalanceV2: gates.compatRebalanceV2,
    alphaMetricsRequired: gates.alphaMetricsRequired,
  };
}
