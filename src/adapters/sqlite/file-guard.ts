import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
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

/** The folder is made 0700; one that exists may be read, but not written, by others. */
function guardFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
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
function guardHeader(path: string): void {
  const header = Buffer.alloc(HEADER_BYTES);
  const handle = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  let length: number;
  try {
    length = readSync(handle, header, 0, HEADER_BYTES, 0);
  } finally {
    closeSync(handle);
  }
  if (length === 0) return;
  if (length < HEADER_BYTES || header.toString("latin1", 0, MAGIC.length) !== MAGIC) {
    throw unavailable("the store file is not a database");
  }
  if (header.readInt32BE(APPLICATION_ID_OFFSET) !== APPLICATION_ID) {
    throw unavailable("the store file belongs to another program");
  }
}

function guard(path: string, mode: "create" | "existing"): void {
  guardFolder(dirname(path));
  for (const name of [path, `${path}-wal`, `${path}-journal`]) refuseLink(name);
  if (mode === "existing" && !existsSync(path)) throw unavailable("the store file has disappeared");
  if (!existsSync(path)) createFile(path);
  guardHeader(path);
  chmodSync(path, 0o600);
}

/**
 * Makes sure that `path` is, or becomes, a store file of ours that only the owner can read (SQLite gives its side
 * files the same rights).
 *
 * @param mode `existing` refuses to make a new file.
 * @throws DomainError STORE_UNAVAILABLE for links, foreign files and folders others may write to.
 */
export function guardStoreFile(path: string, mode: "create" | "existing"): void {
  try {
    guard(path, mode);
  } catch (error) {
    if (error instanceof Error && "syscall" in error)
      throw unavailable("the store file cannot be opened", error);
    throw error;
  }
}
