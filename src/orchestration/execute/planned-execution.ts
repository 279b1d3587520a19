import { type Execution, planned } from "../../domain/orders/execution.ts";
import type { RunRecord } from "../../domain/runs/types.ts";
import { rpcOfRun } from "../shared/audit.ts";
import type { ExecutionDeps } from "./deps.ts";
import type { PreparedOrders } from "./orders-of-plan.ts";

/** The execution of a run before its first step: shaped, nothing has left. */
export function plannedExecution(
  deps: ExecutionDeps,
  run: Pick<RunRecord, "runId" | "rules" | "rpc" | "negotiated">,
  facts: { readonly fingerprint: string; readonly allowLive: boolean },
  { submission, worldIds }: Pick<PreparedOrders, "submission" | "worldIds">,
  nowMs: number,
): Execution {
  const header = {
    runId: run.runId,
    executor: deps.executor.kind,
    schemaVersion: run.negotiated.schemaVersion,
    rpc: rpcOfRun(run),
    worldIds,
    ...facts,
  };
  return planned(header, submission, nowMs);
}
