/** A subscription that survives its connections: every event once, in order, until the caller has enough. */
import { type Client, ConnectError } from "@connectrpc/connect";
import {
  type ControlBusService as ControlBusServiceV1,
  type EventType,
  type SubscribeResponse as ResponseV1,
  StartPosition,
} from "#gen/worldservice/v1/control_bus_service_pb.ts";
import type {
  ControlBusService as ControlBusServiceV2,
  SubscribeResponse as ResponseV2,
} from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { type Interruption, interruptionOf } from "./feed-errors.ts";
import { refusalOf } from "./refusal.ts";
import { type Backoff, fullJitter, ordinaryTiming, type Timing } from "./timing.ts";

type Known<M> = Exclude<M, { case: undefined }>;
/** A `topic` (at the beginning of every connection), `snapshot`, `batch` or `bookmark`. */
export type FeedMessageV1 = Known<ResponseV1["message"]>;
export type FeedMessageV2 = Known<ResponseV2["message"]>;

export interface FollowOptions {
  /** Worlds to follow; empty = all. */
  readonly worldIds?: readonly string[];
  /** Kinds of events to follow (both packages number them alike); empty = all. */
  readonly types?: readonly EventType[];
  /** Where to begin when there is no cursor. Default: with the next commit. */
  readonly start?: StartPosition;
  /** Continue exactly behind this cursor, for example one that was kept on disk. Excludes `start`. */
  readonly afterCursor?: string;
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal;
  /** Pauses between attempts. Default 200 ms to 15 s, with full jitter. */
  readonly backoff?: Backoff;
  /** A connection on which nothing came for this many milliseconds is given up. Default 45,000. */
  readonly silenceMs?: number;
  /** Told before each pause: why, the failures in a row, and the pause in milliseconds. */
  readonly onInterruption?: (why: Interruption, failures: number, pauseMs: number) => void;
  readonly timing?: Timing;
}

const DEFAULT_BACKOFF: Backoff = { baseMs: 200, maxMs: 15_000 };
const DEFAULT_SILENCE_MS = 45_000;

/**
 * Follows the book: `for await (const message of follow(clients.v2.controlBus, options))`.
 *
 * Each batch comes once, in order of its revision, over any number of connections. To continue after a restart of your
 * own, keep the `cursor` of the newest batch, bookmark or snapshot once you are done with it, and give it back as
 * `afterCursor`. Ends without an error when `signal` aborts.
 *
 * @throws FeedGapError for CURSOR_COMPACTED and CURSOR_DIVERGED, whether to take a snapshot is the caller's decision;
 *   ConnectError for what coming again does not mend (a malformed cursor, an unknown world, missing rights).
 */
export function follow(
  client: Client<typeof ControlBusServiceV1>,
  options?: FollowOptions,
): AsyncGenerator<FeedMessageV1, void, undefined>;
export function follow(
  client: Client<typeof ControlBusServiceV2>,
  options?: FollowOptions,
): AsyncGenerator<FeedMessageV2, void, undefined>;
export async function* follow(
  client: Client<typeof ControlBusServiceV1> | Client<typeof ControlBusServiceV2>,
  options: FollowOptions = {},
): AsyncGenerator<FeedMessageV1 | FeedMessageV2, void, undefined> {
  const {
    signal = new AbortController().signal,
    backoff = DEFAULT_BACKOFF,
    timing = ordinaryTiming,
  } = options;
  const place = createPlace(options);
  let failures = 0;
  while (!signal.aborted) {
    const interruption = yield* attempt(client, place, { ...options, signal });
    if (interruption === undefined) return;
    place.suggest(interruption.cursor);
    failures = place.hasMoved() ? 1 : failures + 1;
    const pauseMs = (interruption.refusal.retryAfterMs ?? 0) + fullJitter(failures, backoff, timing.random);
    options.onInterruption?.(interruption, failures, pauseMs);
    await timing.sleep(pauseMs, signal);
  }
}

/** What one connection brings. Returns why to come again, or undefined when the caller's signal ended it. */
async function* attempt(
  client: Client<typeof ControlBusServiceV1> | Client<typeof ControlBusServiceV2>,
  place: Place,
  options: FollowOptions & { readonly signal: AbortSignal },
): AsyncGenerator<FeedMessageV1 | FeedMessageV2, Interruption | undefined, undefined> {
  const { signal } = options;
  try {
    for await (const message of connection(client, place, options)) {
      if (place.move(message)) yield message;
      if (signal.aborted) return undefined;
    }
  } catch (error) {
    return signal.aborted ? undefined : interruptionOf(error, place.cursor());
  }
  return signal.aborted ? undefined : ENDED;
}

const ENDED: Interruption = {
  refusal: refusalOf(new ConnectError("the server ended the stream")),
  cursor: "",
};

/** Where a subscriber is in the history. */
interface Place {
  cursor(): string;
  /** Takes a message in; false for one that was there before. */
  move(message: FeedMessageV1 | FeedMessageV2): boolean;
  /** A cursor of the server's, for a subscriber that has none yet. */
  suggest(cursor: string): void;
  /** True when something but topics came since it was last asked. */
  hasMoved(): boolean;
}

function createPlace({ afterCursor = "", start = StartPosition.UNSPECIFIED }: FollowOptions): Place {
  const isLatest = start === StartPosition.UNSPECIFIED || start === StartPosition.LATEST;
  let cursor = afterCursor;
  let revision = 0n;
  let moved = false;
  return {
    cursor: () => cursor,
    hasMoved() {
      const answer = moved;
      moved = false;
      return answer;
    },
    move(message) {
      if (message.case === "topic") {
        // The next commit is the one behind the newest: from here on a broken connection loses nothing.
        if (isLatest && cursor === "") cursor = message.value.latestCursor;
        return true;
      }
      const { value } = message;
      if (message.case === "batch" ? value.revision <= revision : value.revision < revision) return false;
      ({ cursor, revision } = value);
      moved = true;
      return true;
    },
    suggest(given) {
      if (cursor === "") cursor = given;
    },
  };
}

/** One connection, from its topic to its end. Leaving the loop ends it on the server too. */
async function* connection(
  client: Client<typeof ControlBusServiceV1> | Client<typeof ControlBusServiceV2>,
  place: Place,
  { worldIds = [], types = [], start, signal, silenceMs = DEFAULT_SILENCE_MS }: FollowOptions,
): AsyncGenerator<FeedMessageV1 | FeedMessageV2, void, undefined> {
  const cursor = place.cursor();
  const from = cursor === "" ? { start: start ?? StartPosition.UNSPECIFIED } : { afterCursor: cursor };
  const watch = createWatch(silenceMs, signal);
  try {
    const request = { worldIds: [...worldIds], types: [...types], ...from };
    // No deadline: a subscription lasts. The watch ends what is dead.
    const stream = client.subscribe(request, { signal: watch.signal, timeoutMs: 0 });
    const messages = stream[Symbol.asyncIterator]();
    watch.listen();
    for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
      watch.rest(); // the time our caller takes with a message is not the server's silence
      const { message } = next.value;
      if (message.case !== undefined) yield message;
      watch.listen();
    }
  } finally {
    // Ends the stream on the server too, however this loop was left.
    watch.end();
  }
}

interface Watch {
  readonly signal: AbortSignal;
  listen(): void;
  rest(): void;
  end(): void;
}

/** A signal that aborts with `outer`, or when nothing was heard for `silenceMs` while listening. */
function createWatch(silenceMs: number, outer: AbortSignal | undefined): Watch {
  const controller = new AbortController();
  const abort = () => controller.abort();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const rest = () => clearTimeout(timer);
  if (outer?.aborted) abort();
  outer?.addEventListener("abort", abort, { once: true });
  return {
    signal: controller.signal,
    rest,
    listen() {
      rest();
      timer = setTimeout(abort, silenceMs);
    },
    end() {
      rest();
      outer?.removeEventListener("abort", abort);
      abort();
    },
  };
}
