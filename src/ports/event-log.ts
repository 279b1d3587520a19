import type { Head } from "./store.ts";

/** One event as it was committed. */
export interface LoggedEvent {
  readonly worldId: string;
  /** 1, 2, 3 … per world, without gap. */
  readonly worldSequence: number;
  /** JSON text of the domain event, as drafted. */
  readonly body: string;
}

/** One commit of the book, with all its events (none, for a commit that only changed documents). */
export interface LogEntry {
  readonly revision: number;
  /** Chain hash: covers this commit and, through `previousHash`, everything before it. */
  readonly hash: string;
  readonly previousHash: string;
  readonly events: readonly LoggedEvent[];
}

/** The edges of the readable window: entries in (floor, head] can be read. */
export interface LogWindow {
  readonly storeId: string;
  readonly head: Head;
  /** The newest trimmed commit; revision 0 while nothing was trimmed. */
  readonly floor: Head;
}

/**
 * The stream that every commit appends to: outbox and feed in one. Reads reject with STORE_UNAVAILABLE like the store's.
 */
export interface EventLog {
  window(): Promise<LogWindow>;
  /**
   * Up to `limit` entries behind `revision`, in order.
   *
   * @throws DomainError CURSOR_COMPACTED (metadata earliest_revision) when `revision` is below the floor.
   */
  readAfter(revision: number, limit: number): Promise<readonly LogEntry[]>;
  /** The chain hash of a commit: of the floor itself, of any commit in the window; undefined elsewhere. Revision 0 has "". */
  hashAt(revision: number): Promise<string | undefined>;
  /** Resolves when a commit behind `revision` may exist, or the signal aborts. A wake-up only: the truth is `readAfter`. */
  waitAfter(revision: number, signal: AbortSignal): Promise<void>;
  /** Moves the floor up to `revision` (never beyond the head) and drops the entries; one step. Repeats are harmless. */
  trimTo(revision: number): Promise<LogWindow>;
}
