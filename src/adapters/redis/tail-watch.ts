import type { Link } from "./link.ts";
import { storeUnavailable } from "./unavailable.ts";

/** Wakes those who wait for commits of any process. */
export interface TailWatch {
  waitAfter(revision: number, signal: AbortSignal): Promise<void>;
  /** A commit of this process: no need to wait for Redis to tell. */
  committed(revision: number): void;
  /** Rejects whoever waits, and ends the connection. */
  close(): Promise<void>;
}

export interface TailWatchOptions {
  readonly logKey: string;
  /** A connection of its own: a blocking read holds up everything behind it. Opened when first needed. */
  openLink(): Promise<Link>;
  /** The newest revision, asked on another connection. */
  headRevision(): Promise<number>;
  /** One blocking read lasts so long at most; well below the silence that a connection is allowed. */
  readonly blockMs: number;
  /** Time beyond `blockMs` for the answer to come. */
  readonly answerLimitMs: number;
}

interface Waiter {
  readonly revision: number;
  wake(): void;
  fail(error: unknown): void;
}

export function tailWatch(options: TailWatchOptions): TailWatch {
  const waiters = new Set<Waiter>();
  let link: Promise<Link> | undefined;
  /** Where the running read begins; undefined while none runs. */
  let readingFrom: number | undefined;
  let closed = false;

  function openedLink(): Promise<Link> {
    link ??= options.openLink().catch((error: unknown) => {
      link = undefined;
      throw error;
    });
    return link;
  }

  /** The revision of a commit behind `revision`, or undefined when none came in time. */
  async function nextAfter(revision: number): Promise<number | undefined> {
    const { blockMs, answerLimitMs, logKey } = options;
    const connection = await openedLink();
    const args = ["XREAD", "COUNT", "1", "BLOCK", String(blockMs), "STREAMS", logKey, `${revision}-0`];
    return firstRevision(await connection.call(args, blockMs + answerLimitMs));
  }

  /** Reads as long as somebody waits. */
  async function watch(): Promise<void> {
    while (waiters.size > 0 && !closed) {
      readingFrom = Math.min(...[...waiters].map(({ revision }) => revision));
      try {
        const found = await nextAfter(readingFrom);
        if (found !== undefined) wakeBelow(found);
      } catch (error) {
        failAll(error);
      }
    }
    readingFrom = undefined;
  }

  function watchFor(waiter: Waiter): void {
    if (readingFrom === undefined) void watch();
    // The running read would not see what this one waits for.
    else if (waiter.revision < readingFrom) options.headRevision().then(wakeBelow, waiter.fail);
  }

  function wakeBelow(revision: number): void {
    for (const waiter of waiters) if (waiter.revision < revision) waiter.wake();
  }

  function failAll(error: unknown): void {
    for (const waiter of waiters) waiter.fail(error);
  }

  return {
    waitAfter(revision, signal) {
      if (closed) return Promise.reject(storeUnavailable("the store is closed"));
      if (signal.aborted) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const leave = () => {
          waiters.delete(waiter);
          signal.removeEventListener("abort", waiter.wake);
        };
        const waiter: Waiter = {
          revision,
          wake() {
            leave();
            resolve();
          },
          fail(error) {
            leave();
            reject(error);
          },
        };
        signal.addEventListener("abort", waiter.wake);
        waiters.add(waiter);
        watchFor(waiter);
      });
    },
    committed: wakeBelow,
    async close() {
      closed = true;
      failAll(storeUnavailable("the store is closed"));
      const open = await link?.catch(() => undefined);
      // Nothing is lost by cutting a read that only waits.
      open?.abandon();
    },
  };
}

/** XREAD answers a map from stream to entries; entries are [id, fields]. Nothing in time is null. */
function firstRevision(reply: unknown): number | undefined {
  if (reply === null || reply === undefined) return undefined;
  const streams = Array.isArray(reply) ? reply[0] : Object.entries(reply)[0];
  const [, entries] = streams as [string, [string, string[]][]];
  const id = entries[0]?.[0];
  return id === undefined ? undefined : Number(id.split("-")[0]);
}
