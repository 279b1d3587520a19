import { Code, ConnectError } from "@connectrpc/connect";
import type { Head } from "../../ports/store.ts";
import { type Chunk, chunkOf } from "./chunk.ts";
import { encodeCursor } from "./cursor.ts";
import type { Page, Pages } from "./pages.ts";
import type { Reader } from "./reader.ts";
import { bookmarkFrame } from "./wire.ts";

/** What a call reads its stream from. */
export interface Subscription {
  /**
   * What can be handed over at once; undefined when there is nothing (the sink is woken when there is) or it is over.
   *
   * @throws DomainError CURSOR_COMPACTED, CURSOR_DIVERGED, SUBSCRIBER_TOO_SLOW, STORE_UNAVAILABLE, DRAINING.
   */
  poll(): Chunk | undefined;
  /** Names the one who is woken: when `poll` has something after it had nothing, and when it is over. */
  attach(sink: Sink): void;
  /** False when nothing will come any more but what `poll` still gives. */
  isOpen(): boolean;
  /** As `poll`, but waits; undefined when it is over. */
  next(): Promise<Chunk | undefined>;
  /** Gives its place back; repeats are harmless. */
  release(): void;
}

/** Whoever takes the frames of a subscription. An object and no promise: there are thousands that wait. */
export interface Sink {
  wake(): void;
}

/** What all subscriptions of one package share. */
export interface SubscriptionHost {
  readonly pages: Pages;
  now(): number;
  /** When the next bookmark is due, in milliseconds of `now`. */
  nextBookmarkAt(now: number): number;
  readonly blockedMs: number;
  onBlocked(subscription: HeldSubscription): void;
  onReleased(subscription: HeldSubscription): void;
}

export interface SubscriptionOptions {
  readonly host: SubscriptionHost;
  readonly reader: Reader;
  readonly storeId: string;
  /** Frames that come before everything else, as a snapshot. */
  readonly first: readonly Uint8Array[];
  readonly signal: AbortSignal;
}

/** `stopping`: ended by a server that stops, a last bookmark is owed. */
type State = "open" | "stopping" | "ended" | "failed";

const NOTHING: readonly Uint8Array[] = [];

/**
 * One subscriber: a place in the history, and at most one reader who waits. Nothing is queued for it, so a slow one
 * costs as much as a fast one. A class, because there are thousands: methods are not made anew for each.
 */
export class HeldSubscription implements Subscription {
  private readonly host: SubscriptionHost;
  private readonly reader: Reader;
  private readonly storeId: string;
  private readonly signal: AbortSignal;
  private first: readonly Uint8Array[];
  private state: State = "open";
  private error: Error | undefined;
  private sink: Sink | undefined;
  /** `poll` had nothing, and nobody was woken since. */
  private isWaiting = false;
  /** What was found for a sink that was woken. */
  private found: Chunk | undefined;
  private isLoading = false;
  /** When something was last handed over; undefined while the sink waits for more. */
  private handedAt: number | undefined;
  private bookmarkAt: number;
  /** A bookmark is owed as soon as everything up to the head was handed over. */
  private owesBookmark = true;

  constructor({ host, reader, storeId, first, signal }: SubscriptionOptions) {
    this.host = host;
    this.reader = reader;
    this.storeId = storeId;
    this.first = first;
    this.signal = signal;
    this.handedAt = host.now();
    this.bookmarkAt = host.nextBookmarkAt(this.handedAt);
    if (signal.aborted) this.handleEvent();
    else signal.addEventListener("abort", this, { once: true });
  }

  poll(): Chunk | undefined {
    const chunk = this.found ?? this.find(undefined);
    this.found = undefined;
    this.isWaiting = chunk === undefined;
    this.handedAt = chunk === undefined ? undefined : this.host.now();
    if (chunk === undefined && this.error !== undefined) throw this.error;
    return chunk;
  }

  attach(sink: Sink): void {
    this.sink = sink;
  }

  isOpen(): boolean {
    return this.state === "open";
  }

  async next(): Promise<Chunk | undefined> {
    for (;;) {
      const chunk = this.poll();
      if (chunk !== undefined || !this.isOpen()) return chunk;
      await new Promise<void>((resolve) => this.attach({ wake: resolve }));
    }
  }

  release(): void {
    this.leave("ended");
  }

  /** Something may have come: finds it for a sink that waits. */
  wake(): void {
    if (this.isWaiting) this.serve(undefined);
  }

  /** Looks at the clock: a bookmark may be due, or the subscriber too slow. */
  tick(now: number): void {
    if (this.handedAt !== undefined && now - this.handedAt > this.host.blockedMs) this.host.onBlocked(this);
    else if (now >= this.bookmarkAt) this.wake();
  }

  /** Ends it; whoever reads is told why. */
  end(error: Error): void {
    if (this.state !== "open") return;
    this.error = error;
    this.leave("failed");
  }

  position(): Head {
    return this.reader.position();
  }

  cursor(): string {
    return encodeCursor({ storeId: this.storeId, ...this.reader.position() });
  }

  /** The signal aborted: the call is over. A server that stops says up to where the subscriber has everything. */
  handleEvent(): void {
    const { reason } = this.signal;
    const stops = reason instanceof ConnectError && reason.code === Code.Unavailable;
    this.leave(stops ? "stopping" : "ended");
  }

  private leave(state: State): void {
    if (this.state !== "open") return;
    this.state = state;
    this.signal.removeEventListener("abort", this);
    this.host.onReleased(this);
    this.sink?.wake();
  }

  private lastWord(): Chunk | undefined {
    if (this.state !== "stopping") return undefined;
    this.state = "ended";
    // A snapshot that was not handed over is where the subscriber has to begin again.
    return this.first.length === 0 ? this.bookmark() : undefined;
  }

  private serve(page: Page | undefined): void {
    this.found = this.find(page);
    if (this.found === undefined) return;
    this.isWaiting = false;
    this.sink?.wake();
  }

  private find(page: Page | undefined): Chunk | undefined {
    if (this.state !== "open") return this.lastWord();
    try {
      return this.ready(page);
    } catch (error) {
      this.end(asError(error));
      return undefined;
    }
  }

  /** What can be handed over at once. */
  private ready(page: Page | undefined): Chunk | undefined {
    if (this.first.length > 0) return this.beginning();
    if (this.host.now() >= this.bookmarkAt) return this.bookmark();
    const found = this.reader.look(page);
    if (found === "behind") {
      this.owesBookmark = true;
      this.load();
      return undefined;
    }
    if (found !== "nothing") return found;
    return this.owesBookmark ? this.bookmark() : undefined;
  }

  private beginning(): Chunk {
    const chunk = chunkOf(this.first);
    this.first = NOTHING;
    return chunk;
  }

  private bookmark(): Chunk {
    this.owesBookmark = false;
    this.bookmarkAt = this.host.nextBookmarkAt(this.host.now());
    return chunkOf([bookmarkFrame(Buffer.from(this.cursor()), this.reader.position().revision)]);
  }

  private load(): void {
    if (this.isLoading) return;
    this.isLoading = true;
    this.host.pages
      .load(this.reader.position().revision)
      .finally(() => {
        this.isLoading = false;
      })
      .then(
        (page) => {
          if (this.isWaiting) this.serve(page);
        },
        (error: unknown) => this.end(asError(error)),
      );
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error("reading the log failed", { cause: error });
}
