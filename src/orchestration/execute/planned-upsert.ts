import { constraintBook } from "../../domain/orders/constraints.ts";
import type { Execution } from "../../domain/orders/execution.ts";
import { assertUnambiguous } from "../../domain/orders/order-set.ts";
import type { AllocationRun } from "../../domain/runs/types.ts";
import type { Doc } from "../../ports/store.ts";
import type { AllocationCall } from "../upsert-allocations/types.ts";
import type { ExecutionDeps } from "./deps.ts";
import { ordersOfPlan } from "./orders-of-plan.ts";
import { plannedExecution } from "./planned-execution.ts";
import { assertMayTrade } from "./trading-gates.ts";

const CONSTRAINTS = "constraints";

/**
 * Everything that would stand against executing an upsert, looked at before anything is written. An upsert has no
 * switch of its own for live trading: `execute` means it, and the world decides.
 *
 * @param gates the answer to `gateKeys` for the worlds of the call.
 * @throws DomainError EXECUTOR_NOT_CONFIGURED, EXECUTOR_UNAVAILABLE, INVALID_FIELD (constraints),
 *   OVERLAY_EXECUTION_AMBIGUOUS, SHADOW_ORDERS_BLOCKED, LIVE_NOT_ALLOWED.
 */
export async function assertExecutable(
  deps: ExecutionDeps,
  call: AllocationCall,
  worldIds: readonly string[],
  gates: readonly (Doc | undefined)[],
): Promise<void> {
  await deps.executor.capabilities();
  constraintBook(call.constraints, CONSTRAINTS);
  assertUnambiguous(call.mode, call.worldAllocations);
  assertMayTrade({ worldIds, allowLive: true }, gates);
}

/** The execution of a run that is about to be saved, so that no crash can come between the two. */
export function executionOfUpsert(deps: ExecutionDeps, run: AllocationRun): Execution {
  const orders = ordersOfPlan(deps, {
    ...run,
    constraintsPath: CONSTRAINTS,
    perStrategy: false,
    sharedAccount: false,
  });
  const facts = { fingerprint: run.fingerprint, allowLive: true };
  return plannedExecution(deps, run, facts, orders, run.createdAtMs);
}
