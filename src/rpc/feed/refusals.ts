import { DomainError } from "../../domain/errors.ts";
import type { LogWindow } from "../../ports/event-log.ts";
import { encodeCursor } from "./cursor.ts";

/** Cursor of the oldest point of a window that can be resumed from. */
export function earliestCursor({ storeId, floor }: LogWindow): string {
  return encodeCursor({ storeId, ...floor });
}

/** The events behind the subscriber's point are no longer kept. */
export function compacted(window: LogWindow): DomainError {
  return new DomainError(
    "CURSOR_COMPACTED",
    "the events behind this cursor are no longer kept; take a snapshot",
    {
      metadata: { earliest_cursor: earliestCursor(window) },
    },
  );
}

/** The subscriber has seen something that is not part of the store's history (any more). */
export function diverged(): DomainError {
  return new DomainError(
    "CURSOR_DIVERGED",
    "this cursor is not of the history the store has now; take a snapshot and check what was done since",
  );
}

/** @param cursor where to resume: right behind what was handed over. */
export function tooSlow(cursor: string): DomainError {
  return new DomainError("SUBSCRIBER_TOO_SLOW", "the subscriber stopped reading; resume from the cursor", {
    metadata: { cursor },
    retryAfterMs: 1_000,
  });
}

/** @param cursor where to resume, here or at another replica. */
export function storeGone(cursor: string): DomainError {
  return new DomainError("STORE_UNAVAILABLE", "the store cannot be reached; resume from the cursor", {
    metadata: { cursor },
    retryAfterMs: 1_000,
  });
}

export function tooManySubscriptions(limit: number): DomainError {
  return new DomainError("LIMIT_EXCEEDED", `this server has its ${limit} subscriptions`, {
    retryAfterMs: 5_000,
  });
}

export function unknownWorld(worldId: string): DomainError {
  return new DomainError("WORLD_NOT_FOUND", "a named world has never been seen by this book", {
    metadata: { world_id: worldId },
  });
}
