/** What the end of a stream means for a subscriber: come again, or tell the caller. */
import { Code } from "@connectrpc/connect";
import { type Refusal, refusalOf } from "./refusal.ts";

/** The history the subscriber stood in is gone; only a snapshot leads back. */
export type FeedGap = "CURSOR_COMPACTED" | "CURSOR_DIVERGED";

/**
 * The feed cannot be continued from where the subscriber was. Nothing was skipped silently: the caller decides whether
 * to take a snapshot (`follow` again with `start: StartPosition.SNAPSHOT` and no cursor).
 */
export class FeedGapError extends Error {
  readonly reason: FeedGap;
  /** Where the subscriber was. */
  readonly cursor: string;
  /** The oldest point that can still be read; empty when the server did not tell. */
  readonly earliestCursor: string;

  constructor(reason: FeedGap, cursor: string, refusal: Refusal, cause: unknown) {
    const what =
      reason === "CURSOR_COMPACTED"
        ? "the cursor is older than what the server still has: events in between were missed"
        : "the cursor belongs to another history of the book: check what was done since";
    super(`${what}; take a snapshot and go on from it (${reason}: ${refusal.message})`, { cause });
    this.name = "FeedGapError";
    this.reason = reason;
    this.cursor = cursor;
    this.earliestCursor = refusal.metadata.get("earliest_cursor") ?? "";
  }
}

/** Reasons after which the same subscription works again, sooner or later. */
const PASSING: ReadonlySet<string> = new Set([
  "DRAINING",
  "STORE_UNAVAILABLE",
  "SUBSCRIBER_TOO_SLOW",
  "LIMIT_EXCEEDED",
  "DEADLINE_EXCEEDED",
  "CANCELED",
  "INTERNAL",
]);

/** How broken connections look when no service of ours said anything. */
const BROKEN: ReadonlySet<Code> = new Set([
  Code.Canceled,
  Code.Unknown,
  Code.DeadlineExceeded,
  Code.Aborted,
  Code.Internal,
  Code.Unavailable,
]);

/** What a subscriber needs to come again. */
export interface Interruption {
  readonly refusal: Refusal;
  /** Where the server says to resume; empty when it does not. */
  readonly cursor: string;
}

/**
 * An error after which to come again.
 *
 * @throws FeedGapError when the history is gone; the error itself when a repeat would end the same way.
 */
export function interruptionOf(error: unknown, cursor: string): Interruption {
  const refusal = refusalOf(error);
  const { reason } = refusal;
  if (reason === "CURSOR_COMPACTED" || reason === "CURSOR_DIVERGED") {
    throw new FeedGapError(reason, cursor, refusal, error);
  }
  const passes = reason === "" ? BROKEN.has(refusal.code) : PASSING.has(reason);
  if (!passes) throw error;
  return { refusal, cursor: refusal.metadata.get("cursor") ?? "" };
}
