import { type DomainError, invalidFields } from "../../domain/errors.ts";
import type { EventType } from "../../domain/events/types.ts";
import type { EventLog, LogWindow } from "../../ports/event-log.ts";
import type { Head, Store } from "../../ports/store.ts";
import { decodeCursor } from "./cursor.ts";
import { compacted, diverged } from "./refusals.ts";
import { type BookSnapshot, checkWorlds, readSnapshot } from "./snapshot.ts";

/** What a subscriber asks for, in either package. */
export interface FeedQuery {
  /** Empty = all. */
  readonly worldIds: readonly string[];
  /** Empty = all. */
  readonly types: readonly EventType[];
  /** undefined = the caller named none. */
  readonly start: "LATEST" | "EARLIEST" | "SNAPSHOT" | undefined;
  /** Empty = none. */
  readonly afterCursor: string;
}

/** Where a subscription begins. */
export interface FeedStart {
  readonly window: LogWindow;
  readonly position: Head;
  readonly snapshot: BookSnapshot | undefined;
}

/**
 * Finds the place a subscriber asks for.
 *
 * @throws DomainError INVALID_FIELD, CURSOR_INVALID, CURSOR_COMPACTED, CURSOR_DIVERGED, WORLD_NOT_FOUND,
 *   STORE_UNAVAILABLE.
 */
export async function findStart(store: Store, log: EventLog, query: FeedQuery): Promise<FeedStart> {
  if (query.afterCursor !== "" && query.start !== undefined) throw bothGiven();
  await checkWorlds(store, query.worldIds);
  if (query.start === "SNAPSHOT") {
    // The window is read second, so that its newest commit is not older than the snapshot.
    const snapshot = await readSnapshot(store, query.worldIds);
    return { window: await log.window(), position: snapshot.head, snapshot };
  }
  if (query.afterCursor !== "") return resume(log, query.afterCursor);
  const window = await log.window();
  return {
    window,
    position: query.start === "EARLIEST" ? window.floor : window.head,
    snapshot: undefined,
  };
}

async function resume(log: EventLog, text: string): Promise<FeedStart> {
  const cursor = decodeCursor(text);
  const window = await log.window();
  if (cursor.storeId !== window.storeId || cursor.revision > window.head.revision) throw diverged();
  if (cursor.revision < window.floor.revision) throw compacted(window);
  const hash = await log.hashAt(cursor.revision);
  if (hash === undefined) throw await trimmedMeanwhile(log, cursor.revision);
  if (hash !== cursor.hash) throw diverged();
  return { window, position: { revision: cursor.revision, hash }, snapshot: undefined };
}

/** The commit was in the window a moment ago. */
async function trimmedMeanwhile(log: EventLog, revision: number): Promise<DomainError> {
  const window = await log.window();
  return revision < window.floor.revision ? compacted(window) : diverged();
}

function bothGiven(): DomainError {
  return invalidFields([{ field: "start", description: "must be left out when after_cursor is given" }]);
}
