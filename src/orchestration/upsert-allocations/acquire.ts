import { markerKeysOf } from "../alpha-metrics/plan-figures.ts";
import type { CallOptions, WriteDeps } from "../shared/deps.ts";
import { runKey, stateKeys } from "../shared/keys.ts";
import { gateKeys } from "../shared/world-gates.ts";
import type { AllocationExecutionPlan } from "./types.ts";

/**
 * Stage 1: the locks of all worlds at once, in sorted order, with a lease and a fence. What the next stage needs is
 * read in the same step, under the locks.
 *
 * @throws DomainError LOCK_TIMEOUT, STORE_UNAVAILABLE.
 */
export async function acquire(
  deps: WriteDeps,
  plan: AllocationExecutionPlan,
  options: CallOptions,
): Promise<AllocationExecutionPlan> {
  const { call, negotiated, worldIds, plannedIds, lockedIds } = plan;
  const keys = [
    runKey(call.runId),
    ...lockedIds.flatMap(stateKeys),
    ...markerKeysOf(negotiated, worldIds),
    ...gateKeys(plannedIds),
  ];
  const { lease, context } = await deps.locks.acquire(lockedIds, {
    ...options,
    read: { keys, budget: "allocation" },
  });
  return { ...plan, lease, read: context };
}
