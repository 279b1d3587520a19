import { DomainError } from "../../domain/errors.ts";

/** Primary result codes of SQLite (the low byte of the extended ones) that mean something to an operator. */
const CODES = {
  busy: 5,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  tooBig: 18,
  notADatabase: 26,
} as const;

/** Sentences for callers: they name no path, because file names are nobody else's business. */
const SENTENCES: ReadonlyMap<number, string> = new Map([
  [CODES.busy, "the store file is in use by another process; one file serves one process"],
  [CODES.ioError, "the store cannot read or write its file"],
  [CODES.corrupt, "the store file is damaged; restore a backup"],
  [CODES.full, "the store has no disk space left; nothing was changed"],
  [CODES.cannotOpen, "the store file cannot be opened"],
  [CODES.tooBig, "a document is larger than the store can hold"],
  [CODES.notADatabase, "the store file is not a database"],
]);

const RETRY_AFTER_MS = 200;

/** The refusal of a store that cannot serve now. */
export function unavailable(message: string, cause?: unknown): DomainError {
  return new DomainError("STORE_UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS, cause });
}

/** SQLite's primary result code of an error, undefined for errors of another origin. */
function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number")
    return undefined;
  return error.errcode & 0xff;
}

/** True for errors after which the connection must not be trusted: what it believes and what the disk holds may differ. */
export function breaksConnection(error: unknown): boolean {
  const code = sqliteCode(error);
  return (
    code === CODES.ioError ||
    code === CODES.corrupt ||
    code === CODES.notADatabase ||
    code === CODES.cannotOpen
  );
}

/** True when the disk, not the request, is to blame but SQLite itself took everything of the transaction back. */
export function isDiskFull(error: unknown): boolean {
  return sqliteCode(error) === CODES.full;
}

/** What a caller gets to see: SQLite's errors as STORE_UNAVAILABLE, refusals and defects as they are. */
export function toStoreError(error: unknown): unknown {
  const code = sqliteCode(error);
  return code === undefined ? error : unavailable(SENTENCES.get(code) ?? "the store failed", error);
}
