import type { Clock } from "../../ports/clock.ts";
import type { OpenedStore } from "../../ports/opened-store.ts";
import type { CommitOutcome, CommitRequest, Store, StoreInfo } from "../../ports/store.ts";
import { createInProcessLocks, type InProcessLocks } from "../locks/in-process.ts";
import { createBackup } from "./backup.ts";
import { unavailable } from "./errors.ts";
import { createEventLog } from "./event-log.ts";
import { createGroupCommit, type GroupCommit } from "./group-commit.ts";
import { findRun, listAudit, listDocs, readDocs } from "./reads.ts";
import { numberOf } from "./rows.ts";
import { IN_MEMORY, type Session, type SessionKeeper } from "./session.ts";

export interface SqliteStoreOptions {
  /** The store file, or ":memory:" for one that lives and dies with the process. */
  readonly path: string;
  /** Which book of the file. */
  readonly book: string;
  /** How long a lease lasts without renewal, in milliseconds. */
  readonly lockTtlMs: number;
  /** How long a lease is renewed at most, in milliseconds; 30,000 without. */
  readonly lockMaxHoldMs?: number;
  readonly clock?: Clock;
}

export interface OpenedSqliteStore extends OpenedStore {
  /** See `backupSqlite`. */
  backup(toFile: string): Promise<void>;
}

const SYSTEM_CLOCK: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

function loadFence({ sql, book }: Session, worldId: string): number {
  const row = sql.readFence.get(book, worldId);
  return row === undefined ? 0 : numberOf(row, "fence");
}

function saveFences({ db, sql, book }: Session, fences: ReadonlyMap<string, number>): void {
  sql.begin.run();
  try {
    for (const [worldId, fence] of fences) sql.putFence.run(book, worldId, fence);
    sql.commit.run();
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

function createLocks(options: SqliteStoreOptions, keeper: SessionKeeper): InProcessLocks {
  const { lockTtlMs, lockMaxHoldMs, clock = SYSTEM_CLOCK } = options;
  return createInProcessLocks({
    ttlMs: lockTtlMs,
    ...(lockMaxHoldMs !== undefined && { maxHoldMs: lockMaxHoldMs }),
    clock,
    shelf: {
      load: (worldId) => keeper.use((session) => loadFence(session, worldId)),
      save: (fences) => keeper.use((session) => saveFences(session, fences)),
    },
    read: (query) => keeper.use((session) => readDocs(session, query)),
  });
}

/** What a durable answer means for the lease that came with the commit. */
function settleLease(locks: InProcessLocks, request: CommitRequest, outcome: CommitOutcome): void {
  const { lease, release = false } = request;
  if (lease === undefined) return;
  if (outcome.kind === "committed") locks.noteSaved(lease);
  if (release && (outcome.kind === "committed" || outcome.kind === "replayed")) locks.giveBack(lease);
}

function createStore(
  info: StoreInfo,
  keeper: SessionKeeper,
  group: GroupCommit,
  close: () => Promise<void>,
): Store {
  return {
    info,
    read: async (query) => keeper.use((session) => readDocs(session, query)),
    list: async (query) => keeper.use((session) => listDocs(session, query)),
    findRun: async (runId) => keeper.use((session) => findRun(session, runId)),
    listAudit: async (query) => keeper.use((session) => listAudit(session, query)),
    commit: (request) => group.commit(request),
    close,
  };
}

/** Puts the parts of an open book together. */
export function assembleStore(keeper: SessionKeeper, options: SqliteStoreOptions): OpenedSqliteStore {
  const inMemory = options.path === IN_MEMORY;
  const info: StoreInfo = {
    kind: inMemory ? "memory" : "sqlite",
    durability: inMemory ? "none" : "fsync",
    storeId: keeper.storeId,
  };
  const locks = createLocks(options, keeper);
  const log = createEventLog(keeper);
  const group = createGroupCommit({
    keeper,
    owns: locks.owns,
    settled: (request, outcome) => settleLease(locks, request, outcome),
    moved: log.moved,
  });

  async function close(): Promise<void> {
    group.close();
    locks.close(unavailable("the store is closed"));
    keeper.close();
    log.close();
  }

  return {
    store: createStore(info, keeper, group, close),
    locks,
    log,
    close,
    backup: createBackup(keeper),
  };
}
