import { randomBytes } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import type { Head } from "../../ports/store.ts";
import { breaksConnection, toStoreError, unavailable } from "./errors.ts";
import { type GuardedFile, guardStoreFile } from "./file-guard.ts";
import { numberOf, type Row, textOf } from "./rows.ts";
import { migrate } from "./schema.ts";
import { prepareStatements, type Statements } from "./statements.ts";

export const IN_MEMORY = ":memory:";

/** One connection to one book. `head` is the newest durable commit; only `group-commit.ts` moves it. */
export interface Session {
  readonly db: DatabaseSync;
  readonly sql: Statements;
  readonly book: number;
  readonly storeId: string;
  /** Undefined in memory. */
  readonly file: GuardedFile | undefined;
  head: Head;
}

/** A book as its row tells it. */
export interface BookState {
  readonly storeId: string;
  readonly head: Head;
  readonly floor: Head;
}

export function readBook(sql: Statements, book: number): BookState {
  const row: Row = sql.readBook.get(book) ?? {};
  return {
    storeId: textOf(row, "store_id"),
    head: { revision: numberOf(row, "revision"), hash: textOf(row, "hash") },
    floor: { revision: numberOf(row, "floor_revision"), hash: textOf(row, "floor_hash") },
  };
}

/** The random name of a history: 128 bits in hex. */
export function mintStoreId(): string {
  return randomBytes(16).toString("hex");
}

/**
 * WAL with synchronous=FULL: a commit that returned is on disk. The log may grow to about 16 MB before it is folded
 * into the file, which spreads the cost of folding over some thousand commits.
 */
export const FOLD_LOG = "PRAGMA wal_autocheckpoint = 4000";

const DURABLE = `
PRAGMA fullfsync = ON;
PRAGMA synchronous = FULL;
${FOLD_LOG};
PRAGMA journal_size_limit = 33554432;
`;

const COMMON = `
PRAGMA trusted_schema = OFF;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -32768;
`;

/** EXCLUSIVE before anything else touches the file: the kernel holds the lock and frees it however the process ends. */
function openDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 0, defensive: true });
  try {
    db.exec(`PRAGMA locking_mode = EXCLUSIVE; ${COMMON}`);
    db.exec("BEGIN EXCLUSIVE; COMMIT");
    migrate(db);
    if (path !== IN_MEMORY) db.exec(`PRAGMA journal_mode = WAL; ${DURABLE}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function findOrAddBook(db: DatabaseSync, name: string): number {
  const insert = `INSERT INTO book (name, store_id, revision, hash, floor_revision, floor_hash)
    VALUES (?, ?, 0, '', 0, '') ON CONFLICT (name) DO NOTHING`;
  db.prepare(insert).run(name, mintStoreId());
  return numberOf(db.prepare("SELECT id FROM book WHERE name = ?").get(name) ?? {}, "id");
}

function openBook(path: string, bookName: string, file: GuardedFile | undefined): Session {
  const db = openDatabase(path);
  try {
    const book = findOrAddBook(db, bookName);
    const sql = prepareStatements(db);
    const { storeId, head } = readBook(sql, book);
    return { db, sql, book, storeId, file, head };
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Opens the file and the book in it, making both where they are missing.
 *
 * @throws DomainError STORE_UNAVAILABLE when the file is not ours, is newer, is in use or cannot be opened.
 */
export function openSession(path: string, bookName: string, mode: "create" | "existing"): Session {
  const file = path === IN_MEMORY ? undefined : guardStoreFile(path, mode);
  try {
    return openBook(path, bookName, file);
  } catch (error) {
    file?.release();
    throw toStoreError(error);
  }
}

/** Hands out the session and replaces it after errors that leave connection and disk in doubt. */
export interface SessionKeeper {
  readonly storeId: string;
  /** Runs `work` now. SQLite's errors come out as STORE_UNAVAILABLE. */
  use<T>(work: (session: Session) => T): T;
  close(): void;
}

/** True when the history we acknowledged is still there: a reopened file may know more, never less. */
function continues(session: Session, acknowledged: Session): boolean {
  if (session.storeId !== acknowledged.storeId) return false;
  const { revision, hash } = acknowledged.head;
  const { floor } = readBook(session.sql, session.book);
  if (revision <= floor.revision) return true;
  return session.sql.readHash.get(session.book, revision)?.hash === hash;
}

/** Makes a reopened connection fit to go on, or refuses. */
function resume(next: Session, acknowledged: Session): void {
  if (!continues(next, acknowledged)) {
    throw unavailable("the store file is not the one this server acknowledged commits in");
  }
  // What a failed sync left in the write-ahead log is read back from the page cache; writing it anew makes it durable.
  next.db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
}

function closeQuietly({ db, file }: Session): void {
  try {
    if (db.isOpen) db.close();
  } catch {
    // Closing is all that can be done with it; what could not be written was never acknowledged.
  }
  file?.release();
}

/** A store in memory has nothing to reopen: its connection is its data. */
export function keepSession(path: string, bookName: string): SessionKeeper {
  let session = openSession(path, bookName, "create");
  let state: "good" | "doubtful" | "closed" = "good";

  function reopen(): void {
    const before = session;
    closeQuietly(before);
    const next = openSession(path, bookName, "existing");
    try {
      resume(next, before);
    } catch (error) {
      closeQuietly(next);
      throw error;
    }
    session = next;
    state = "good";
  }

  function use<T>(work: (session: Session) => T): T {
    if (state === "closed") throw unavailable("the store is closed");
    try {
      if (state === "doubtful") reopen();
      return work(session);
    } catch (error) {
      if (breaksConnection(error) && path !== IN_MEMORY) state = "doubtful";
      throw toStoreError(error);
    }
  }

  function close(): void {
    if (state === "closed") return;
    state = "closed";
    closeQuietly(session);
  }

  return { storeId: session.storeId, use, close };
}
