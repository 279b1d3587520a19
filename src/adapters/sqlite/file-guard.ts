import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
} from "node:fs";
import { dirname } from "node:path";
import { unavailable } from "./errors.ts";
import { APPLICATION_ID } from "./schema.ts";

const MAGIC = "SQLite format 3\0";
const HEADER_BYTES = 100;
const APPLICATION_ID_OFFSET = 68;

/** Makes the names in a folder (a new file, a rename) survive a power loss. */
export function syncFolder(folder: string): void {
  const handle = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Writes a file's content through to the disk. */
export function syncFile(path: string): void {
  const handle = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Makes a folder and those above it, level by level: Node's own recursive form never ends below a virtual folder like /proc. */
function makeFolders(folder: string): void {
  if (existsSync(folder)) return;
  makeFolders(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

/** The folder is made 0700; one that exists may be read, but not written, by others. */
function guardFolder(folder: string): void {
  makeFolders(folder);
  if ((lstatSync(folder).mode & 0o022) !== 0) {
    throw unavailable("others may write to the folder of the store file; give the store a folder of its own");
  }
}

function refuseLink(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink()) throw unavailable("the store file is a symbolic link; name the file itself");
  if (stat !== undefined && !stat.isFile()) throw unavailable("the store file is not a regular file");
}

/** Makes an empty file only the owner can read; fails if there is one. */
export function createFile(path: string): void {
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_RDWR | constants.O_NOFOLLOW;
  closeSync(openSync(path, flags, 0o600));
  syncFolder(dirname(path));
}

/** Looks at the bytes before SQLite does, because opening another program's database can already change it. */
function guardHeader(handle: number): void {
  const header = Buffer.alloc(HEADER_BYTES);
  const length = readSync(handle, header, 0, HEADER_BYTES, 0);
  if (length === 0) return;
  if (length < HEADER_BYTES || header.toString("latin1", 0, MAGIC.length) !== MAGIC) {
    throw unavailable("the store file is not a database");
  }
  if (header.readInt32BE(APPLICATION_ID_OFFSET) !== APPLICATION_ID) {
    throw unavailable("the store file belongs to another program");
  }
}

/** A store file that passed the guard. */
export interface GuardedFile {
  /**
   * For reading the file's bytes. Stays open as long as the store: POSIX drops a process's locks on a file when ANY
   * of its descriptors is closed, so nobody in this process may open and close the file a second time.
   */
  readonly handle: number;
  /** After the database was closed. */
  release(): void;
}

/** The files this process holds, by device and inode. */
const held = new Set<string>();

function identityOf(path: string): string {
  const { dev, ino } = lstatSync(path);
  return `${dev}:${ino}`;
}

function hold(path: string): GuardedFile {
  const identity = identityOf(path);
  if (held.has(identity)) throw unavailable("the store file is already in use by this process");
  const handle = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    guardHeader(handle);
    fchmodSync(handle, 0o600);
  } catch (error) {
    closeSync(handle);
    throw error;
  }
  held.add(identity);
  let released = false;
  return {
    handle,
    release: () => {
      if (released) return;
      released = true;
      closeSync(handle);
      held.delete(identity);
    },
  };
}

function guard(path: string, mode: "create" | "existing"): GuardedFile {
  guardFolder(dirname(path));
  for (const name of [path, `${path}-wal`, `${path}-journal`]) refuseLink(name);
  if (mode === "existing" && !existsSync(path)) throw unavailable("the store file has disappeared");
  if (!existsSync(path)) createFile(path);
  return hold(path);
}

/**
 * Makes sure that `path` is, or becomes, a store file of ours that only the owner can read (SQLite gives its side
 * files the same rights), and holds it for this process.
 *
 * @param mode `existing` refuses to make a new file.
 * @throws DomainError STORE_UNAVAILABLE for links, foreign files, folders others may write to, files held already.
 */
export function guardStoreFile(path: string, mode: "create" | "existing"): GuardedFile {
  try {
    return guard(path, mode);
  } catch (error) {
    if (error instanceof Error && "syscall" in error) {
      throw unavailable("the store file cannot be opened", error);
    }
    throw error;
  }
}
