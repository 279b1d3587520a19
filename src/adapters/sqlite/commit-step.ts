import type { Lease } from "../../ports/lock-manager.ts";
import type {
  BudgetChange,
  CommitOutcome,
  CommitRequest,
  DocExpectation,
  EventDraft,
  Head,
  RunClaim,
} from "../../ports/store.ts";
import { chainHash, eventsPayload, payloadDigest } from "../chain-hash.ts";
import { exceeds, planBudget, writeBudget } from "./budgets.ts";
import { readDoc } from "./reads.ts";
import { numberOf, textOf } from "./rows.ts";
import type { Session } from "./session.ts";

/** Whether a world was last acquired under this nonce and fence. */
export type Ownership = (worldId: string, nonce: string, fence: number) => boolean;

/** What a refused commit is told; undefined lets it pass. */
type Refusal = CommitOutcome | undefined;

function checkClaim(session: Session, claim: RunClaim): Refusal {
  const row = session.sql.readClaim.get(session.book, claim.runId);
  if (row === undefined) return undefined;
  const fingerprint = textOf(row, "fingerprint");
  const run = readDoc(session, { kind: "run", scope: "", id: claim.runId });
  return fingerprint === claim.fingerprint
    ? { kind: "replayed", run }
    : { kind: "run_reused", fingerprint, run };
}

/** Equality, not order: numbers may be issued again after a loss, a nonce never is. */
function checkLease(lease: Lease, owns: Ownership): Refusal {
  for (const [worldId, fence] of lease.fences) {
    if (!owns(worldId, lease.nonce, fence)) return { kind: "fenced", worldId };
  }
  return undefined;
}

function checkExpectations({ sql, book }: Session, expectations: readonly DocExpectation[]): Refusal {
  for (const { key, version: expected } of expectations) {
    const row = sql.readVersion.get(book, key.kind, key.scope, key.id);
    const version = row === undefined ? 0 : numberOf(row, "version");
    if (version !== expected) return { kind: "stale", key, version };
  }
  return undefined;
}

function checkBudget(session: Session, change: BudgetChange): Refusal {
  const step = planBudget(session, change);
  return exceeds(step, change.limit) ? { kind: "over_budget", total: step.total } : undefined;
}

function check(session: Session, request: CommitRequest, owns: Ownership): Refusal {
  return (
    (request.claim && checkClaim(session, request.claim)) ??
    (request.lease && checkLease(request.lease, owns)) ??
    checkExpectations(session, request.expect ?? []) ??
    (request.budget && checkBudget(session, request.budget))
  );
}

/** Numbers the events of the commit: one step per world, however many events it has. */
function takeSequences({ sql, book }: Session, events: readonly EventDraft[]): readonly number[] {
  const counts = new Map<string, number>();
  for (const { worldId } of events) counts.set(worldId, (counts.get(worldId) ?? 0) + 1);
  const next = new Map<string, number>();
  for (const [worldId, count] of counts) {
    const last = numberOf(sql.advanceSequence.get(book, worldId, count) ?? {}, "sequence");
    next.set(worldId, last - count);
  }
  return events.map(({ worldId }) => {
    const sequence = (next.get(worldId) ?? 0) + 1;
    next.set(worldId, sequence);
    return sequence;
  });
}

function writeDocs({ sql, book }: Session, request: CommitRequest, revision: number): void {
  for (const { key, body } of request.puts ?? []) {
    sql.putDoc.run(book, key.kind, key.scope, key.id, revision, revision, body);
  }
  for (const key of request.deletes ?? []) sql.deleteDoc.run(book, key.kind, key.scope, key.id);
}

function writeRecords(session: Session, request: CommitRequest, revision: number): void {
  const { sql, book } = session;
  if (request.claim) sql.addClaim.run(book, request.claim.runId, request.claim.fingerprint);
  for (const [position, line] of (request.audit ?? []).entries()) {
    sql.addAudit.run(book, line.worldId, revision, position, line.body);
  }
  const { budget } = request;
  if (budget) writeBudget(session, budget.name, planBudget(session, budget));
  for (const [worldId, fence] of request.lease?.fences ?? []) sql.putFence.run(book, worldId, fence);
}

/**
 * Checks a commit and writes it behind `head`, inside the caller's transaction. The row of the head is not touched:
 * the group writes it once, at its end.
 */
export function applyCommit(
  session: Session,
  head: Head,
  request: CommitRequest,
  owns: Ownership,
): CommitOutcome {
  const refusal = check(session, request, owns);
  if (refusal !== undefined) return refusal;
  const { sql, book } = session;
  const revision = head.revision + 1;
  const payload = eventsPayload(request.events ?? []);
  const sequences = takeSequences(session, request.events ?? []);
  const hash = chainHash(head.hash, revision, payloadDigest(payload), sequences);
  sql.appendLog.run(book, revision, head.hash, hash, payload, sequences.join(","));
  writeDocs(session, request, revision);
  writeRecords(session, request, revision);
  return { kind: "committed", revision, hash, sequences };
}
