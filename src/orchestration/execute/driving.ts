import { DomainError } from "../../domain/errors.ts";
import type { Execution } from "../../domain/orders/execution.ts";
import { nextStep } from "../../domain/orders/next-step.ts";
import type { ExecutorCapabilities } from "../../ports/executor.ts";
import type { Lease } from "../../ports/lock-manager.ts";
import type { CommitOutcome, DocExpectation } from "../../ports/store.ts";
import type { ExecuteDeps } from "./deps.ts";
import { executionLock, executionWrites } from "./records.ts";

/** One who drives an execution: holds its lock, so that nobody else does. */
export interface Driver {
  readonly deps: ExecuteDeps;
  readonly lease: Lease;
  readonly abilities: ExecutorCapabilities;
}

/** The fence of the run: every driver has a higher one than those before. */
export function fenceOf({ lease }: Pick<Driver, "lease">, runId: string): number {
  return lease.fences.get(executionLock(runId)) ?? 0;
}

/**
 * Makes a state durable, with its events.
 *
 * @throws DomainError LOCK_LOST when somebody else drives the run by now; STORE_UNAVAILABLE.
 */
export async function save(driver: Driver, next: Execution): Promise<Execution> {
  const outcome = await commitState(driver, next, []);
  if (outcome.kind !== "committed") throw lockLost(next.header.runId);
  return next;
}

/** As `save`, resting on what other documents say: false when one of them changed, and nothing was saved. */
export async function saveResting(
  driver: Driver,
  next: Execution,
  expect: readonly DocExpectation[],
): Promise<boolean> {
  const outcome = await commitState(driver, next, expect);
  if (outcome.kind === "stale") return false;
  if (outcome.kind !== "committed") throw lockLost(next.header.runId);
  return true;
}

function commitState(
  { deps, lease, abilities }: Driver,
  next: Execution,
  expect: readonly DocExpectation[],
): Promise<CommitOutcome> {
  const isOpen = nextStep(next, abilities) !== "rest";
  return deps.store.commit({ lease, expect, ...executionWrites(next, isOpen) });
}

function lockLost(runId: string): DomainError {
  const text = "another process drives this execution by now; read it, or send the same call again";
  return new DomainError("LOCK_LOST", text, { metadata: { run_id: runId }, retryAfterMs: 100 });
}
