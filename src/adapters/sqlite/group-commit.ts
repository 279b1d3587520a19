import type { CommitOutcome, CommitRequest, Head } from "../../ports/store.ts";
import { applyCommit, type Ownership } from "./commit-step.ts";
import { breaksConnection, isDiskFull, toStoreError, unavailable } from "./errors.ts";
import type { Session, SessionKeeper } from "./session.ts";

/** Bounds the time one transaction holds the event loop: about 5 ms of work, or a few large documents. */
const MAX_GROUP = 128;
const MAX_GROUP_CHARACTERS = 8_000_000;

/** One caller's commit on its way. */
interface Waiting {
  readonly request: CommitRequest;
  readonly resolve: (outcome: CommitOutcome) => void;
  readonly reject: (error: unknown) => void;
}

type Result =
  | { readonly ok: true; readonly outcome: CommitOutcome }
  | { readonly ok: false; readonly error: unknown };

export interface GroupCommit {
  commit(request: CommitRequest): Promise<CommitOutcome>;
  /** Writes what waits, then refuses. */
  close(): void;
}

export interface GroupCommitDeps {
  readonly keeper: SessionKeeper;
  readonly owns: Ownership;
  /** Called after the outcome is durable, before the caller hears of it. */
  readonly settled: (request: CommitRequest, outcome: CommitOutcome) => void;
  /** Called once per group that moved the head. */
  readonly moved: (head: Head) => void;
}

function characters(request: CommitRequest): number {
  let sum = 0;
  for (const drafts of [request.puts, request.events, request.audit]) {
    for (const { body } of drafts ?? []) sum += body.length;
  }
  return sum;
}

/** One commit inside the group's transaction. What fails because of this request alone is undone alone. */
function attempt(session: Session, head: Head, request: CommitRequest, owns: Ownership): Result {
  const { sql, db } = session;
  sql.savepoint.run();
  try {
    const outcome = applyCommit(session, head, request, owns);
    sql.release.run();
    return { ok: true, outcome };
  } catch (error) {
    if (!db.isTransaction || breaksConnection(error) || isDiskFull(error)) throw error;
    sql.undo.run();
    sql.release.run();
    return { ok: false, error: toStoreError(error) };
  }
}

function headAfter(head: Head, result: Result): Head {
  if (!result.ok || result.outcome.kind !== "committed") return head;
  return { revision: result.outcome.revision, hash: result.outcome.hash };
}

/** The whole group in one transaction, in order: one wait for the disk for all of them. */
function writeGroup(session: Session, group: readonly Waiting[], owns: Ownership): readonly Result[] {
  const { sql, db, book } = session;
  sql.begin.run();
  try {
    let head = session.head;
    const results = group.map(({ request }) => {
      const result = attempt(session, head, request, owns);
      head = headAfter(head, result);
      return result;
    });
    if (head !== session.head) sql.moveHead.run(book, head.revision, head.hash);
    sql.commit.run();
    session.head = head;
    return results;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/**
 * Commits that arrive in the same turn of the event loop share one transaction, in the order of arrival, each in
 * its savepoint. Nobody hears an answer before the transaction is durable.
 */
export function createGroupCommit({ keeper, owns, settled, moved }: GroupCommitDeps): GroupCommit {
  const waiting: Waiting[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  let closed = false;

  function takeGroup(): readonly Waiting[] {
    let count = 0;
    let size = 0;
    while (count < Math.min(waiting.length, MAX_GROUP) && size < MAX_GROUP_CHARACTERS) {
      const next = waiting[count];
      size += next === undefined ? 0 : characters(next.request);
      count += 1;
    }
    return waiting.splice(0, count);
  }

  function answer({ request, resolve, reject }: Waiting, result: Result): void {
    if (result.ok) {
      settled(request, result.outcome);
      resolve(result.outcome);
    } else reject(result.error);
  }

  function write(group: readonly Waiting[]): void {
    const results = keeper.use((session) => {
      const before = session.head;
      const written = writeGroup(session, group, owns);
      if (session.head !== before) moved(session.head);
      return written;
    });
    for (const [index, result] of results.entries()) {
      const entry = group[index];
      if (entry !== undefined) answer(entry, result);
    }
  }

  /** A full disk takes the whole group back; alone, the small ones of it may still fit. */
  function writeOrRefuse(group: readonly Waiting[]): void {
    try {
      write(group);
    } catch (error) {
      const retry = group.length > 1 && error instanceof Error && isDiskFull(error.cause);
      for (const entry of group) {
        if (retry) writeOrRefuse([entry]);
        else entry.reject(error);
      }
    }
  }

  function flush(): void {
    scheduled = undefined;
    const group = takeGroup();
    if (group.length > 0) writeOrRefuse(group);
    if (waiting.length > 0) scheduled ??= setImmediate(flush);
  }

  function commit(request: CommitRequest): Promise<CommitOutcome> {
    if (closed) return Promise.reject(unavailable("the store is closed"));
    return new Promise((resolve, reject) => {
      waiting.push({ request, resolve, reject });
      scheduled ??= setImmediate(flush);
    });
  }

  function close(): void {
    closed = true;
    if (scheduled !== undefined) clearImmediate(scheduled);
    while (waiting.length > 0) flush();
  }

  return { commit, close };
}
