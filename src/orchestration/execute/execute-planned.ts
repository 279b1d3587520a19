import { DomainError } from "../../domain/errors.ts";
import type { Execution } from "../../domain/orders/execution.ts";
import type { CallOptions } from "../shared/deps.ts";
import type { ExecuteDeps } from "./deps.ts";
import { drive } from "./drive.ts";
import { executionKey, executionLock, legsKey, storedExecution } from "./records.ts";

/**
 * Takes a planned execution further, under its lock: stage 4 of an upsert, and every look of recovery. An execution
 * that is final, or that nothing can be done about from here, stays as it is.
 *
 * @returns its state now, durable; undefined where the run has no execution.
 * @throws DomainError LOCK_TIMEOUT, LOCK_LOST, STORE_UNAVAILABLE.
 */
export async function executePlanned(
  deps: ExecuteDeps,
  runId: string,
  options: CallOptions,
): Promise<Execution | undefined> {
  const { lease, context } = await deps.locks.acquire([executionLock(runId)], {
    ...options,
    read: { keys: [executionKey(runId), legsKey(runId)] },
  });
  try {
    const execution = storedExecution(context.docs[0], context.docs[1]);
    return execution && (await drive(deps, lease, execution));
  } finally {
    await lease.release();
  }
}

/** @throws DomainError EXECUTION_IN_DOUBT where nobody can tell what became of an order. */
export function assertNotInDoubt({ header }: Execution): void {
  if (header.status !== "IN_DOUBT") return;
  const text = `what became of ${header.inDoubtCount} of ${header.legCount} orders is not known`;
  throw new DomainError("EXECUTION_IN_DOUBT", `${text}; read GetExecution, never send a new run`, {
    metadata: { run_id: header.runId },
  });
}
