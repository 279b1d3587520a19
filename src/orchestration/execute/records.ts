import type { DomainEvent } from "../../domain/events/types.ts";
import type { Execution, ExecutionHeader, ExecutionLeg } from "../../domain/orders/execution.ts";
import { toStored } from "../../domain/stored-json.ts";
import type { AuditDraft, CommitRequest, Doc, DocKey } from "../../ports/store.ts";
import type { AuditBody } from "../shared/audit.ts";
import { stored } from "../shared/keys.ts";

/** How far an execution has come, without its legs: what lists are made of. */
export function executionKey(runId: string): DocKey {
  return { kind: "execution", scope: "", id: runId };
}

/** The legs of an execution; apart from its header, since they may be many. */
export function legsKey(runId: string): DocKey {
  return { kind: "execution", scope: "legs", id: runId };
}

/** The orders as they were answered, in all the lists that were asked for. */
export function answerKey(runId: string): DocKey {
  return { kind: "execution", scope: "answer", id: runId };
}

/** There while somebody should look after the execution. */
export function openExecutionKey(runId: string): DocKey {
  return { kind: "open_execution", scope: "", id: runId };
}

/** Locks share their names with worlds, whose ids have no control characters. */
export function executionLock(runId: string): string {
  return `\u0001execution:${runId}`;
}

/** An execution from the documents of `executionKey` and `legsKey`. */
export function storedExecution(header: Doc | undefined, legs: Doc | undefined): Execution | undefined {
  const found = stored<ExecutionHeader>(header);
  if (found === undefined) return undefined;
  return { header: found, legs: stored<{ legs: readonly ExecutionLeg[] }>(legs)?.legs ?? [] };
}

/** What a commit must hold for an execution to be in this state. */
export function executionWrites(
  execution: Execution,
  isOpen: boolean,
): Required<Pick<CommitRequest, "puts" | "deletes" | "events" | "audit">> {
  const { header, legs } = execution;
  const open = openExecutionKey(header.runId);
  return {
    puts: [
      { key: executionKey(header.runId), body: toStored(header) },
      { key: legsKey(header.runId), body: toStored({ legs }) },
      ...(isOpen ? [{ key: open, body: "{}" }] : []),
    ],
    deletes: isOpen ? [] : [open],
    events: changedEvents(execution).map((event) => ({ worldId: event.worldId, body: toStored(event) })),
    audit: header.worldIds.map((worldId) => auditOf(header, worldId)),
  };
}

/** One event per world that trades, with its own legs and those of an account it shares. */
function changedEvents({ header, legs }: Execution): DomainEvent[] {
  const { runId, status, step } = header;
  return header.worldIds.map((worldId) => ({
    type: "EXECUTION_STATE_CHANGED",
    worldId,
    timeMs: header.updatedAtMs,
    correlationId: `run:${runId}`,
    idempotencyKey: `execution_state_changed:${worldId}:${runId}:${step}`,
    schemaVersion: header.schemaVersion,
    payload: {
      runId,
      status,
      legs: legs.filter(({ order }) => order.worldId === worldId || order.worldId === "").map(withoutPrice),
    },
  }));
}

function withoutPrice({ price: _price, ...facts }: ExecutionLeg) {
  return facts;
}

function auditOf(header: ExecutionHeader, worldId: string): AuditDraft {
  const body: AuditBody = {
    action: `execution_${header.status.toLowerCase()}`,
    rpc: header.rpc,
    runId: header.runId,
    timeMs: header.updatedAtMs,
    details: {
      step: header.step,
      legs: header.legCount,
      in_doubt: header.inDoubtCount,
      executor: header.executor,
    },
  };
  return { worldId, body: JSON.stringify(body) };
}
