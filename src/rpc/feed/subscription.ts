import { Code, ConnectError } from "@connectrpc/connect";
import type { Head } from "../../ports/store.ts";
import { type Chunk, chunkOf } from "./chunk.ts";
import { encodeCursor } from "./cursor.ts";
import type { Pages } from "./pages.ts";
import type { Looked, Reader } from "./reader.ts";
import { bookmarkFrame } from "./wire.ts";

/** What a call reads its stream from. */
export interface Subscription {
  /**
   * The next frames; waits for them. Undefined when the signal of the call ended it.
   *
   * @throws DomainError CURSOR_COMPACTED, CURSOR_DIVERGED, SUBSCRIBER_TOO_SLOW, STORE_UNAVAILABLE, DRAINING.
   */
  next(): Promise<Chunk | undefined>;
  /** Gives its place back; repeats are harmless. */
  release(): void;
}

/** The hub's side of a subscription. */
export interface HeldSubscription extends Subscription {
  /** Something came: hand it over if anybody waits. */
  wake(): void;
  /** Looks at the clock: a bookmark may be due, or the subscriber too slow. */
  tick(now: number): void;
  /** Ends it; whoever reads is told why. */
  end(error: Error): void;
  position(): Head;
  cursor(): string;
}

export interface SubscriptionOptions {
  readonly reader: Reader;
  readonly pages: Pages;
  readonly storeId: string;
  /** Frames that come before everything else, as a snapshot. */
  readonly first: readonly Uint8Array[];
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** When the next bookmark is due, in milliseconds of `now`. */
  readonly nextBookmarkAt: (now: number) => number;
  readonly blockedMs: number;
  readonly onBlocked: (subscription: HeldSubscription) => void;
  readonly onReleased: (subscription: HeldSubscription) => void;
}

interface Waiting {
  readonly resolve: (chunk: Chunk | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** `ended`: by the signal; a last bookmark may still be owed. */
type State = { kind: "open" } | { kind: "ended"; bookmark: boolean } | { kind: "failed"; error: Error };

/**
 * One subscriber: a place in the history, and at most one reader who waits. Nothing is queued for it, so a slow one
 * costs as much as a fast one.
 */
export function createSubscription(options: SubscriptionOptions): HeldSubscription {
  const { reader, pages, storeId, signal, now } = options;
  let state: State = { kind: "open" };
  let first = options.first;
  let waiting: Waiting | undefined;
  let isLoading = false;
  /** When the reader was last given something; undefined while it waits for more. */
  let handedAt: number | undefined = now();
  let bookmarkAt = options.nextBookmarkAt(handedAt);
  /** A bookmark is owed as soon as everything up to the head was handed over. */
  let owesBookmark = true;

  function bookmark(): Chunk {
    owesBookmark = false;
    bookmarkAt = options.nextBookmarkAt(now());
    return chunkOf([bookmarkFrame(Buffer.from(cursor()), reader.position().revision)]);
  }

  function cursor(): string {
    return encodeCursor({ storeId, ...reader.position() });
  }

  /** What can be handed over at once. */
  function ready(looked: () => Looked): Chunk | undefined {
    if (first.length > 0) {
      const frames = first;
      first = [];
      return chunkOf(frames);
    }
    if (now() >= bookmarkAt) return bookmark();
    const found = looked();
    if (found === "behind") {
      owesBookmark = true;
      load();
      return undefined;
    }
    if (found !== "nothing") return found;
    return owesBookmark ? bookmark() : undefined;
  }

  /** Hands over to whoever waits, if there is anything. */
  function serve(looked: () => Looked = reader.look): void {
    if (waiting === undefined || state.kind !== "open") return;
    try {
      const chunk = ready(looked);
      if (chunk !== undefined) settle((reading) => reading.resolve(chunk));
    } catch (error) {
      fail(asError(error));
    }
  }

  function settle(answer: (reading: Waiting) => void): void {
    const reading = waiting;
    waiting = undefined;
    handedAt = now();
    if (reading !== undefined) answer(reading);
  }

  function load(): void {
    if (isLoading) return;
    isLoading = true;
    pages.load(reader.position().revision).then(
      (page) => {
        isLoading = false;
        serve(() => reader.look(page));
      },
      (error: unknown) => {
        isLoading = false;
        fail(asError(error));
      },
    );
  }

  function fail(error: Error): void {
    if (state.kind !== "open") return;
    state = { kind: "failed", error };
    release();
    settle((reading) => reading.reject(error));
  }

  function release(): void {
    signal.removeEventListener("abort", onAbort);
    options.onReleased(self);
  }

  /** The call is over. A server that stops says up to where the subscriber has everything. */
  function onAbort(): void {
    if (state.kind !== "open") return;
    const stops = signal.reason instanceof ConnectError && signal.reason.code === Code.Unavailable;
    state = { kind: "ended", bookmark: stops };
    release();
    settle((reading) => reading.resolve(lastWord()));
  }

  function lastWord(): Chunk | undefined {
    if (state.kind !== "ended" || !state.bookmark || first.length > 0) return undefined;
    state = { kind: "ended", bookmark: false };
    return bookmark();
  }

  const self: HeldSubscription = {
    next() {
      if (state.kind === "failed") return Promise.reject(state.error);
      if (state.kind === "ended") return Promise.resolve(lastWord());
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        handedAt = undefined;
        serve();
      });
    },
    release() {
      if (state.kind === "open") state = { kind: "ended", bookmark: false };
      release();
      settle((reading) => reading.resolve(undefined));
    },
    wake: () => serve(),
    tick(at) {
      if (handedAt !== undefined && at - handedAt > options.blockedMs) options.onBlocked(self);
      else if (at >= bookmarkAt) serve();
    },
    end: fail,
    position: reader.position,
    cursor,
  };
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  return self;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error("reading the log failed", { cause: error });
}
