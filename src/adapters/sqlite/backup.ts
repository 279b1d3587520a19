import { constants, copyFileSync, existsSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { toStoreError, unavailable } from "./errors.ts";
import { createFile, guardStoreFile, syncFile, syncFolder } from "./file-guard.ts";
import type { OpenedSqliteStore } from "./index.ts";
import { migrate } from "./schema.ts";
import { mintStoreId, type SessionKeeper } from "./session.ts";
import { verifyHistory } from "./verify.ts";

/** Pages per step, 1 MiB: commits go on between the steps. */
const PAGES_PER_STEP = 256;

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

/** Copies a consistent state while the store serves. Used through `backupSqlite`. */
export async function copyWhileServing(keeper: SessionKeeper, toFile: string): Promise<void> {
  try {
    createFile(toFile);
  } catch (error) {
    throw toBackupError(error);
  }
  try {
    await backup(
      keeper.use(({ db }) => db),
      toFile,
      { rate: PAGES_PER_STEP },
    );
    withPlain(toFile, verifyHistory);
    syncFile(toFile);
  } catch (error) {
    dropPartly(toFile);
    throw toBackupError(error);
  }
}

/**
 * Writes a backup of an open store to a new file (mode 0600), complete up to a commit made while it ran, and
 * verifies the copy's history. The store serves meanwhile.
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
    guardStoreFile(partly, "create");
    copyFileSync(fromFile, partly, constants.COPYFILE_FICLONE);
    guardStoreFile(partly, "existing");
    withPlain(partly, startNewHistory);
    syncFile(partly);
    renameSync(partly, toPath);
    syncFolder(dirname(toPath));
  } catch (error) {
    dropPartly(partly);
    throw toBackupError(error);
  }
}
