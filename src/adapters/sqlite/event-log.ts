import { DomainError } from "../../domain/errors.ts";
import type { EventLog, LogEntry, LoggedEvent, LogWindow } from "../../ports/event-log.ts";
import type { Head } from "../../ports/store.ts";
import { numberOf, type Row, textOf } from "./rows.ts";
import { readBook, type Session, type SessionKeeper } from "./session.ts";
import { breathe, createWakeUps } from "./wake-ups.ts";

/** How many entries one trimming transaction drops: a large trim must not hold the event loop. */
const TRIM_STEP = 1_000;

function isDraft(value: unknown): value is [string, string] {
  return Array.isArray(value) && typeof value[0] === "string" && typeof value[1] === "string";
}

/** The drafts of a stored payload: `[worldId, body]` pairs. */
export function parsePayload(payload: string): readonly [string, string][] {
  const drafts: unknown = JSON.parse(payload);
  if (!Array.isArray(drafts) || !drafts.every(isDraft))
    throw new TypeError("a payload of the log is damaged");
  return drafts;
}

/** The sequences of a stored entry, in the order of its payload. */
export function parseSequences(text: string): readonly number[] {
  return text === "" ? [] : text.split(",").map(Number);
}

function entryOf(row: Row): LogEntry {
  const sequences = parseSequences(textOf(row, "sequences"));
  const events = parsePayload(textOf(row, "payload")).map(
    ([worldId, body], index): LoggedEvent => ({ worldId, worldSequence: sequences[index] ?? 0, body }),
  );
  return {
    revision: numberOf(row, "revision"),
    hash: textOf(row, "hash"),
    previousHash: textOf(row, "previous_hash"),
    events,
  };
}

function windowOf({ sql, book }: Session): LogWindow {
  return readBook(sql, book);
}

function hashOf(session: Session, revision: number): string | undefined {
  if (revision === 0) return "";
  const { floor } = windowOf(session);
  if (revision === floor.revision) return floor.hash;
  const row = session.sql.readHash.get(session.book, revision);
  return row === undefined ? undefined : textOf(row, "hash");
}

function readBehind(session: Session, revision: number, limit: number): readonly LogEntry[] {
  const { floor } = windowOf(session);
  if (revision < floor.revision) {
    throw new DomainError("CURSOR_COMPACTED", "the history before this point was trimmed; take a snapshot", {
      metadata: { earliest_revision: String(floor.revision) },
    });
  }
  return session.sql.readLogAfter.all(session.book, revision, limit).map(entryOf);
}

/** Floor and entries move in one transaction. */
function trimOnce(session: Session, floor: Head): void {
  const { db, sql, book } = session;
  sql.begin.run();
  try {
    sql.moveFloor.run(book, floor.revision, floor.hash);
    sql.dropLog.run(book, floor.revision);
    sql.commit.run();
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** One step towards `revision`; tells whether that was the last one. */
function trimStep(session: Session, revision: number): boolean {
  const { head, floor } = windowOf(session);
  const target = Math.min(revision, head.revision);
  if (target <= floor.revision) return true;
  const next = Math.min(target, floor.revision + TRIM_STEP);
  trimOnce(session, { revision: next, hash: hashOf(session, next) ?? "" });
  return next === target;
}

/** The log's reading side, and the bell that the committing side rings. */
export interface SqliteEventLog extends EventLog {
  moved(head: Head): void;
  close(): void;
}

export function createEventLog(keeper: SessionKeeper): SqliteEventLog {
  const wakeUps = createWakeUps();

  return {
    window: async () => keeper.use(windowOf),
    readAfter: async (revision, limit) => keeper.use((session) => readBehind(session, revision, limit)),
    hashAt: async (revision) => keeper.use((session) => hashOf(session, revision)),
    waitAfter: async (revision, signal) => {
      if (keeper.use((session) => session.head.revision) <= revision) await wakeUps.wait(revision, signal);
    },
    trimTo: async (revision) => {
      while (!keeper.use((session) => trimStep(session, revision))) await breathe();
      return keeper.use(windowOf);
    },
    moved: (head) => wakeUps.ring(head.revision),
    close: () => wakeUps.ring(Number.POSITIVE_INFINITY),
  };
}
