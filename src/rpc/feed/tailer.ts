import { setTimeout as sleep } from "node:timers/promises";
import { DomainError } from "../../domain/errors.ts";
import type { EventLog, LogEntry, LogWindow } from "../../ports/event-log.ts";
import type { Head } from "../../ports/store.ts";

/** Why the tailer could not go on where it was. */
export type Break =
  /** The history it followed is not the store's: another store, or commits were lost. */
  | "diverged"
  /** The store trimmed what it had not read yet. */
  | "compacted";

/** Who is told what the tailer finds. Nothing here may throw. */
export interface TailListener {
  /** It follows from the head of this window on. */
  onStart(window: LogWindow): void;
  /** The commits right behind the last ones, in order. */
  onEntries(entries: readonly LogEntry[]): void;
  /** The tailer goes on at the given point. */
  onBreak(kind: Break, window: LogWindow, restart: Head): void;
  /** How long the store has been unreachable, in milliseconds; 0 when it is back. */
  onOutage(sinceMs: number): void;
}

export interface Tailer {
  /** Begins to follow at the head of the log, once; repeats join the first call. */
  start(): Promise<void>;
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

export interface TailerOptions {
  readonly log: EventLog;
  readonly listener: TailListener;
  readonly pageCommits: number;
  /** How often the history is checked while nothing comes, in milliseconds. */
  readonly checkIntervalMs: number;
}

const RETRY_MS = { first: 50, most: 1_000 };

/**
 * Follows the log, once per process: woken by `waitAfter`, told by `readAfter`. Every commit must be chained to the
 * one before; a store that fell back behind what was read is found by asking for the hash of the last commit.
 */
export function createTailer({ log, listener, pageCommits, checkIntervalMs }: TailerOptions): Tailer {
  const stopping = new AbortController();
  let head: Head = { revision: 0, hash: "" };
  let storeId = "";
  let woken = false;
  let checkedAt = performance.now();
  let starting: Promise<void> | undefined;
  let running: Promise<void> = Promise.resolve();

  async function begin(): Promise<void> {
    const window = await log.window();
    ({ head, storeId } = window);
    listener.onStart(window);
    running = follow();
  }

  async function follow(): Promise<void> {
    let failedAt: number | undefined;
    let pauseMs = RETRY_MS.first;
    while (!stopping.signal.aborted) {
      try {
        await step();
        if (failedAt !== undefined) listener.onOutage(0);
        failedAt = undefined;
        pauseMs = RETRY_MS.first;
      } catch {
        if (stopping.signal.aborted) return;
        failedAt ??= performance.now();
        listener.onOutage(performance.now() - failedAt);
        await pause(pauseMs * (0.5 + Math.random()));
        pauseMs = Math.min(pauseMs * 2, RETRY_MS.most);
      }
    }
  }

  async function step(): Promise<void> {
    const entries = await readNext();
    if (entries === undefined) return;
    if (entries.length === 0) await quiet();
    else if (isChained(entries)) deliver(entries);
    else await restart("diverged");
  }

  function deliver(entries: readonly LogEntry[]): void {
    woken = false;
    listener.onEntries(entries);
  }

  /** A wake-up that brought nothing, or a long silence, may be a store that fell back. */
  async function quiet(): Promise<void> {
    const now = performance.now();
    if (woken || now - checkedAt >= checkIntervalMs) {
      if (!(await isStillOurs())) return restart("diverged");
      checkedAt = now;
      woken = false;
    }
    await idle();
    woken = true;
  }

  async function readNext(): Promise<readonly LogEntry[] | undefined> {
    try {
      return await log.readAfter(head.revision, pageCommits);
    } catch (error) {
      if (!(error instanceof DomainError && error.reason === "CURSOR_COMPACTED")) throw error;
      await restart("compacted");
      return undefined;
    }
  }

  /** Moves the head along; stops at the first commit that does not continue it. */
  function isChained(entries: readonly LogEntry[]): boolean {
    for (const { revision, hash, previousHash } of entries) {
      if (revision !== head.revision + 1 || previousHash !== head.hash) return false;
      head = { revision, hash };
    }
    return true;
  }

  async function isStillOurs(): Promise<boolean> {
    const window = await log.window();
    if (window.storeId !== storeId || window.head.revision < head.revision) return false;
    if (window.head.revision === head.revision) return window.head.hash === head.hash;
    return true; // more has come meanwhile: its chain will tell
  }

  async function idle(): Promise<void> {
    const waiting = new AbortController();
    const stop = () => waiting.abort();
    stopping.signal.addEventListener("abort", stop, { once: true });
    const timer = setTimeout(stop, checkIntervalMs);
    try {
      await log.waitAfter(head.revision, waiting.signal);
    } finally {
      clearTimeout(timer);
      stopping.signal.removeEventListener("abort", stop);
    }
  }

  /** Where the last commit is gone there is no telling what else is: everything before the new head is left alone. */
  async function restart(kind: Break): Promise<void> {
    const window = await log.window();
    const another = window.storeId !== storeId;
    ({ storeId, head } = window);
    if (kind === "compacted" && !another) head = window.floor;
    listener.onBreak(another ? "diverged" : kind, window, head);
  }

  async function pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
  }

  return {
    start() {
      starting ??= begin().catch((error: unknown) => {
        starting = undefined; // the next subscriber tries again
        throw error;
      });
      return starting;
    },
    async stop() {
      stopping.abort();
      await starting?.catch(() => undefined);
      await running;
    },
  };
}
