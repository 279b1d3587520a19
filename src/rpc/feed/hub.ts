import type { Clock } from "../../ports/clock.ts";
import type { EventLog, LogEntry, LogWindow } from "../../ports/event-log.ts";
import type { Head, Store } from "../../ports/store.ts";
import { createChunkCache } from "./chunk.ts";
import { encodeCursor } from "./cursor.ts";
import { createFilter } from "./filter.ts";
import { createFrame, type EventEncoder, encodeFor } from "./frame.ts";
import { DEFAULT_FEED_LIMITS, type FeedLimits } from "./limits.ts";
import { createPages } from "./pages.ts";
import { Reader, type ReaderSources } from "./reader.ts";
import { compacted, diverged, earliestCursor, storeGone, tooManySubscriptions, tooSlow } from "./refusals.ts";
import { createRing } from "./ring.ts";
import type { BookSnapshot } from "./snapshot.ts";
import { type FeedQuery, type FeedStart, findStart } from "./start.ts";
import { HeldSubscription, type Subscription, type SubscriptionHost } from "./subscription.ts";
import { type Break, createTailer } from "./tailer.ts";

/** How one package of the contract writes what the feed carries: each as one gRPC frame, events as bare messages. */
export interface FeedPackage extends EventEncoder {
  snapshotFrame(snapshot: BookSnapshot, cursor: string): Uint8Array;
}

/** A subscription that was let in. */
export interface OpenedSubscription {
  readonly earliestCursor: string;
  readonly latestCursor: string;
  readonly subscription: Subscription;
}

/** The feed of one process: one tailer, one ring, any number of subscribers. */
export interface FeedHub {
  /**
   * Lets a subscriber in. It is released when `signal` aborts.
   *
   * @throws DomainError as `findStart`, and LIMIT_EXCEEDED.
   */
  open(format: FeedPackage, query: FeedQuery, signal: AbortSignal): Promise<OpenedSubscription>;
  activeSubscriptions(): number;
  /** Ends what is still open, stops following the log; resolves when nothing runs any more. Repeatable. */
  close(reason: Error): Promise<void>;
}

export interface FeedOptions {
  readonly store: Store;
  readonly log: EventLog;
  readonly clock: Clock;
  /** Longest time without a bookmark, in milliseconds. */
  readonly bookmarkIntervalMs: number;
  readonly limits?: Partial<FeedLimits>;
}

/** Chunks that several subscribers of one package may still want. */
const CHUNKS_KEPT = 16;
/** Bookmarks come a little early, each subscriber at its own times, so that they don't come all at once. */
const BOOKMARK_JITTER = 0.2;

/** What the subscribers of one package share. */
interface PackageState {
  readonly sources: ReaderSources;
  readonly host: SubscriptionHost;
  subscribers: number;
}

export function createFeedHub(options: FeedOptions): FeedHub {
  const { store, log, clock, bookmarkIntervalMs } = options;
  const limits = { ...DEFAULT_FEED_LIMITS, ...options.limits };
  const now = () => clock.monotonic();
  const subscriptions = new Set<HeldSubscription>();
  const packages = new Map<FeedPackage, PackageState>();
  let storeId = store.info.storeId;
  let sweeping: NodeJS.Timeout | undefined;
  let opening = 0;
  /** Counts histories: what was looked up in one is worth nothing in the next. */
  let history = 0;
  let closedBy: Error | undefined;

  const ring = createRing({ maxEvents: limits.ringEvents, maxBytes: limits.ringBytes });
  const pages = createPages(log, () => storeId, limits);
  const tailer = createTailer({
    log,
    listener: { onStart: ({ head, storeId: id }) => restart(id, head), onEntries, onBreak, onOutage },
    pageCommits: limits.pageCommits,
    checkIntervalMs: limits.checkIntervalMs,
  });

  function onEntries(entries: readonly LogEntry[]): void {
    const encoders = [...packages.values()]
      .filter((each) => each.subscribers > 0)
      .map((each) => each.sources.encoder);
    for (const entry of entries) {
      const frame = createFrame(storeId, entry);
      try {
        encodeFor(frame, encoders);
      } catch {
        // Each reader that comes to this commit meets the error again, and ends with it.
      }
      ring.push(frame);
    }
    for (const subscription of subscriptions) subscription.wake();
  }

  function onBreak(kind: Break, window: LogWindow, head: Head): void {
    restart(window.storeId, head);
    for (const subscription of subscriptions) {
      if (kind === "diverged") subscription.end(diverged());
      else if (subscription.position().revision < window.floor.revision) subscription.end(compacted(window));
    }
  }

  function onOutage(sinceMs: number): void {
    if (sinceMs < limits.storePatienceMs) return;
    for (const subscription of subscriptions) subscription.end(storeGone(subscription.cursor()));
  }

  function restart(id: string, head: Head): void {
    history++;
    storeId = id;
    ring.reset(head);
    pages.clear();
    for (const { sources } of packages.values()) sources.chunks.clear();
  }

  function sweep(): void {
    ring.reweigh();
    const at = now();
    for (const subscription of subscriptions) subscription.tick(at);
  }

  function stateOf(format: FeedPackage): PackageState {
    const known = packages.get(format);
    if (known !== undefined) return known;
    const state: PackageState = {
      sources: { ring, pages, encoder: format, chunks: createChunkCache(CHUNKS_KEPT), limits },
      host: {
        pages,
        now,
        nextBookmarkAt: (from) => from + bookmarkIntervalMs * (1 - BOOKMARK_JITTER * Math.random()),
        blockedMs: limits.blockedMs,
        onBlocked: (blocked) => blocked.end(tooSlow(blocked.cursor())),
        onReleased: (released) => letGo(released, state),
      },
      subscribers: 0,
    };
    packages.set(format, state);
    return state;
  }

  function hold(subscription: HeldSubscription, state: PackageState): void {
    subscriptions.add(subscription);
    state.subscribers++;
    const everyMs = Math.min(bookmarkIntervalMs, limits.blockedMs, 10_000) / 10;
    sweeping ??= setInterval(sweep, Math.max(5, everyMs));
  }

  function letGo(subscription: HeldSubscription, state: PackageState): void {
    if (!subscriptions.delete(subscription)) return;
    state.subscribers--;
    if (subscriptions.size > 0) return;
    clearInterval(sweeping);
    sweeping = undefined;
  }

  async function findPlace(query: FeedQuery): Promise<FeedStart> {
    for (;;) {
      const asked = history;
      const place = await findStart(store, log, query);
      if (asked === history) return place;
    }
  }

  async function admit(
    format: FeedPackage,
    query: FeedQuery,
    signal: AbortSignal,
  ): Promise<OpenedSubscription> {
    await tailer.start();
    const { window, position, snapshot } = await findPlace(query);
    if (closedBy !== undefined) throw closedBy;
    const cursorOf = (head: Head) => encodeCursor({ storeId: window.storeId, ...head });
    const state = stateOf(format);
    const subscription = new HeldSubscription({
      host: state.host,
      reader: new Reader(state.sources, createFilter(query.worldIds, query.types), position),
      storeId: window.storeId,
      first: snapshot === undefined ? [] : [format.snapshotFrame(snapshot, cursorOf(snapshot.head))],
      signal,
    });
    if (!signal.aborted) hold(subscription, state);
    return {
      earliestCursor: earliestCursor(window),
      latestCursor: cursorOf(window.head),
      subscription,
    };
  }

  return {
    async open(format, query, signal) {
      if (subscriptions.size + opening >= limits.subscriptions)
        throw tooManySubscriptions(limits.subscriptions);
      opening++;
      try {
        return await admit(format, query, signal);
      } finally {
        opening--;
      }
    },
    activeSubscriptions: () => subscriptions.size,
    async close(reason) {
      closedBy ??= reason;
      for (const subscription of subscriptions) subscription.end(reason);
      await tailer.stop();
    },
  };
}
