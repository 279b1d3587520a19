import { DomainError, invalidFields } from "../../domain/errors.ts";
import {
  advanced,
  type Execution,
  type ExecutionLeg,
  isFinal,
  isTooMuch,
  quantityOf,
  type Resolution,
  resolvedLeg,
} from "../../domain/orders/execution.ts";
import type { AuditDraft } from "../../ports/store.ts";
import type { Caller } from "../activation/deps.ts";
import type { AuditBody } from "../shared/audit.ts";
import type { CallOptions } from "../shared/deps.ts";
import type { ExecuteDeps } from "./deps.ts";
import { executionKey, executionLock, executionWrites, legsKey, storedExecution } from "./records.ts";

/**
 * Ends one leg in doubt with what an operator found out. Nothing is ever sent again. The same resolution again changes
 * nothing and succeeds.
 *
 * @throws DomainError RUN_NOT_FOUND for an unknown run or order, INVALID_FIELD, LOCK_TIMEOUT, LOCK_LOST,
 *   STORE_UNAVAILABLE.
 */
export async function resolveExecution(
  deps: ExecuteDeps,
  runId: string,
  resolution: Resolution,
  caller: Caller,
  options: CallOptions,
): Promise<Execution> {
  assertSound(resolution);
  const { lease, context } = await deps.locks.acquire([executionLock(runId)], {
    ...options,
    read: { keys: [executionKey(runId), legsKey(runId)] },
  });
  try {
    const { execution, leg } = found(storedExecution(context.docs[0], context.docs[1]), runId, resolution);
    if (isSame(leg, resolution)) return execution;
    assertResolvable(leg, resolution);
    const next = advanced(execution, deps.clock.now(), (each) =>
      each === leg ? resolvedLeg(leg, resolution) : each,
    );
    const isOpen = next.legs.some(({ state }) => !isFinal(state));
    const writes = executionWrites(next, isOpen);
    const audit = [...writes.audit, auditOf(next, leg, resolution, caller)];
    const outcome = await deps.store.commit({ lease, ...writes, audit });
    if (outcome.kind !== "committed")
      throw new DomainError("LOCK_LOST", "send the same call again", { retryAfterMs: 100 });
    return next;
  } finally {
    await lease.release();
  }
}

function found(
  execution: Execution | undefined,
  runId: string,
  { clientOrderId }: Resolution,
): { readonly execution: Execution; readonly leg: ExecutionLeg } {
  const leg = execution?.legs.find(({ order }) => order.clientOrderId === clientOrderId);
  if (execution === undefined || leg === undefined) throw notFound(runId, clientOrderId);
  return { execution, leg };
}

function assertSound({ isExecuted, fills }: Resolution): void {
  if (!isExecuted && fills.length > 0) {
    throw invalidFields([{ field: "fills", description: "must be empty with NOT_EXECUTED" }]);
  }
}

function assertResolvable(leg: ExecutionLeg, { fills }: Resolution): void {
  if (leg.state !== "IN_DOUBT") {
    throw invalidFields([{ field: "client_order_id", description: `is not IN_DOUBT but ${leg.state}` }]);
  }
  if (isTooMuch(quantityOf(fills), leg.order.quantity)) {
    const description = `sum to more than the order's quantity ${leg.order.quantity}`;
    throw invalidFields([{ field: "fills", description }]);
  }
}

/** Whether a leg is what this very resolution makes of one. */
function isSame(leg: ExecutionLeg, resolution: Resolution): boolean {
  if (!isFinal(leg.state) || leg.message !== resolution.reason) return false;
  const { state, filledQuantity } = resolvedLeg(leg, resolution);
  return state === leg.state && filledQuantity === leg.filledQuantity;
}

function notFound(runId: string, clientOrderId: string): DomainError {
  return new DomainError("RUN_NOT_FOUND", `no such order in run ${runId}: ${clientOrderId}`, {
    metadata: { run_id: runId, client_order_id: clientOrderId },
  });
}

/** Who decided what and why, in the log of the order's world; of the book where several worlds share it. */
function auditOf(
  { header }: Execution,
  { order }: ExecutionLeg,
  { isExecuted, reason }: Resolution,
  { rpc, principal }: Caller,
): AuditDraft {
  const body: AuditBody = {
    action: "execution_resolved",
    rpc,
    runId: header.runId,
    timeMs: header.updatedAtMs,
    details: {
      client_order_id: order.clientOrderId,
      resolution: isExecuted ? "EXECUTED" : "NOT_EXECUTED",
      reason,
      ...(principal === undefined ? {} : { principal }),
    },
  };
  return { worldId: order.worldId, body: JSON.stringify(body) };
}
