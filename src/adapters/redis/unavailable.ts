import { ErrorReply } from "redis";
import { DomainError } from "../../domain/errors.ts";

/** A pause after which the connection had a fair chance to come back, in milliseconds. */
const RETRY_AFTER_MS = 250;

/** Redis cannot be reached, did not answer in time, or must not be trusted now. The cause is for the log. */
export function storeUnavailable(message: string, cause?: unknown): DomainError {
  return new DomainError("STORE_UNAVAILABLE", message, { retryAfterMs: RETRY_AFTER_MS, cause });
}

/** Replies that speak of the server's state and pass with time, by the first word of the error. */
const PASSING = new Set([
  "BUSY",
  "CLUSTERDOWN",
  "LOADING",
  "MASTERDOWN",
  "MISCONF",
  "NOAUTH",
  "NOPERM",
  "NOREPLICAS",
  "OOM",
  "TRYAGAIN",
  "UNKILLABLE",
]);

/** Replies that say: this is not the node that owns the book (any more). */
const MISPLACED = new Set(["ASK", "MOVED", "READONLY", "UNBLOCKED"]);

export function isMisplaced(error: unknown): boolean {
  return MISPLACED.has(replyCode(error));
}

export function isNoScript(error: unknown): boolean {
  return replyCode(error) === "NOSCRIPT";
}

/**
 * STORE_UNAVAILABLE for lost connections and passing states of the server. Other error replies are defects of this
 * adapter or a foreign key in the way: they stay what they are.
 */
export function translated(error: unknown): unknown {
  if (error instanceof DomainError) return error;
  const code = replyCode(error);
  if (code === "OOM") return storeUnavailable("Redis is out of memory: raise its maxmemory", error);
  if (PASSING.has(code) || MISPLACED.has(code))
    return storeUnavailable("Redis refuses commands for now", error);
  return isReply(error) ? error : storeUnavailable("the connection to Redis was lost", error);
}

function replyCode(error: unknown): string {
  return isReply(error) ? (/^[A-Z]+/.exec(error.message)?.[0] ?? "") : "";
}

function isReply(error: unknown): error is ErrorReply {
  return error instanceof ErrorReply;
}
