import { constants, copyFileSync, existsSync, read, renameSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { toStoreError, unavailable } from "./errors.ts";
import { createFile, guardStoreFile, syncFile, syncFolder } from "./file-guard.ts";
import { numberOf } from "./rows.ts";
import { migrate } from "./schema.ts";
import { FOLD_LOG, mintStoreId, type Session, type SessionKeeper } from "./session.ts";
import type { OpenedSqliteStore } from "./store.ts";
import { verifyHistory } from "./verify.ts";

const CHUNK_BYTES = 1_048_576;
const readAt = promisify(read);

function isFileSystemError(error: unknown): error is Error {
  return error instanceof Error && "syscall" in error;
}

function toBackupError(error: unknown): unknown {
  return isFileSystemError(error)
    ? unavailable("the backup file cannot be written or read", error)
    : toStoreError(error);
}

function openPlain(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 0, defensive: true });
  // No write-ahead log beside it: a backup is one file, and complete.
  db.exec("PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF");
  return db;
}

function withPlain(path: string, work: (db: DatabaseSync) => void): void {
  const db = openPlain(path);
  try {
    work(db);
  } finally {
    db.close();
  }
}

function dropPartly(path: string): void {
  for (const name of [path, `${path}-wal`, `${path}-journal`]) rmSync(name, { force: true });
}

/** While commits go to the log alone, the file itself stands still and can be copied beside them. */
function freezeFile({ db }: Session): number {
  const folded = db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
  if (folded?.busy !== 0) throw unavailable("the store is busy; try the backup again");
  db.exec("PRAGMA wal_autocheckpoint = 0");
  const pages = numberOf(db.prepare("PRAGMA page_count").get() ?? {}, "page_count");
  return pages * numberOf(db.prepare("PRAGMA page_size").get() ?? {}, "page_size");
}

/** Fails when the connection was replaced: opening anew folds the log into the file that is being copied. */
function handleOf(keeper: SessionKeeper, session: Session): number {
  return keeper.use((current) => {
    if (current !== session || current.file === undefined) {
      throw unavailable("the store was interrupted; try the backup again");
    }
    return current.file.handle;
  });
}

async function copyBytes(
  keeper: SessionKeeper,
  session: Session,
  size: number,
  to: FileHandle,
): Promise<void> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let position = 0; position < size; ) {
    const wanted = Math.min(CHUNK_BYTES, size - position);
    const { bytesRead } = await readAt(handleOf(keeper, session), chunk, 0, wanted, position);
    if (bytesRead === 0) throw unavailable("the store file is shorter than it should be");
    await to.write(chunk, 0, bytesRead, position);
    position += bytesRead;
  }
  handleOf(keeper, session);
  await to.sync();
}

async function copyFrozen(keeper: SessionKeeper, toFile: string): Promise<void> {
  const session = keeper.use((current) => current);
  const size = keeper.use(freezeFile);
  try {
    const to = await open(toFile, constants.O_RDWR | constants.O_NOFOLLOW);
    await copyBytes(keeper, session, size, to).finally(() => to.close());
  } finally {
    if (session.db.isOpen) session.db.exec(FOLD_LOG);
  }
}

/** Makes the copy a file of its own, and tells that it is one of ours. */
function finishCopy(toFile: string): void {
  withPlain(toFile, migrate);
  syncFile(toFile);
}

/** How a store backs itself up; one backup at a time, because a second one would fold the log under the first. */
export function createBackup(keeper: SessionKeeper): (toFile: string) => Promise<void> {
  let running = false;

  async function copy(toFile: string): Promise<void> {
    try {
      const inMemory = keeper.use(({ file }) => file === undefined);
      if (inMemory) keeper.use(({ db }) => db.prepare("VACUUM INTO ?").run(toFile));
      else await copyFrozen(keeper, toFile);
      finishCopy(toFile);
    } catch (error) {
      dropPartly(toFile);
      throw toBackupError(error);
    }
  }

  return async (toFile) => {
    if (running) throw unavailable("a backup is being made already");
    running = true;
    try {
      createNew(toFile);
      await copy(toFile);
    } finally {
      running = false;
    }
  };
}

function createNew(toFile: string): void {
  try {
    createFile(toFile);
  } catch (error) {
    throw toBackupError(error);
  }
}

/**
 * Writes a backup of an open store to a new file (mode 0600): all commits acknowledged before the call. The store
 * serves meanwhile; its write-ahead log grows until the copy is done. `restoreSqlite` verifies it.
 *
 * @throws DomainError STORE_UNAVAILABLE when the file exists or cannot be written; nothing is left behind then.
 */
export function backupSqlite(opened: OpenedSqliteStore, toFile: string): Promise<void> {
  return opened.backup(toFile);
}

/** A history that goes back in time is another history: cursors into the old one must not fit it. */
function startNewHistory(db: DatabaseSync): void {
  migrate(db);
  verifyHistory(db);
  const rename = db.prepare("UPDATE book SET store_id = ? WHERE id = ?");
  db.exec("BEGIN IMMEDIATE");
  for (const { id } of db.prepare("SELECT id FROM book").all()) rename.run(mintStoreId(), id ?? null);
  db.exec("COMMIT");
}

/**
 * Makes a store file out of a backup, after verifying its whole history. The books in it get new store ids. The
 * backup is not changed; `toPath` appears complete or not at all.
 *
 * @param fromFile a file `backupSqlite` wrote.
 * @param toPath must not exist.
 * @throws DomainError STORE_UNAVAILABLE when the backup is damaged, foreign or incomplete, or `toPath` exists.
 */
export function restoreSqlite(fromFile: string, toPath: string): void {
  if (existsSync(toPath)) throw unavailable("there is a store file already; move it away before restoring");
  if (existsSync(`${fromFile}-wal`)) {
    throw unavailable("this is the file of a store, not a backup: its write-ahead log lies beside it");
  }
  const partly = `${toPath}.restoring`;
  dropPartly(partly);
  try {
    guardStoreFile(partly, "create").release();
    copyFileSync(fromFile, partly, constants.COPYFILE_FICLONE);
    guardStoreFile(partly, "existing").release();
    withPlain(partly, startNewHistory);
    syncFile(partly);
    renameSync(partly, toPath);
    syncFolder(dirname(toPath));
  } catch (error) {
    dropPartly(partly);
    throw toBackupError(error);
  }
}
