import type { EventLog } from "../../ports/event-log.ts";

/** Trims the log from time to time. Any number of replicas may do it at once: repeats are harmless. */
export interface Janitor {
  start(): void;
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

export interface JanitorOptions {
  readonly log: EventLog;
  /** How many commits stay readable, 1 or more. */
  readonly keep: number;
  /** How often it looks, in milliseconds, give or take a fifth. */
  readonly intervalMs: number;
  /** Told of a round that failed; the next one tries again. */
  readonly onError: (error: unknown) => void;
}

const JITTER = 0.4;

/**
 * Moves the floor of the log so that the newest `keep` commits can be read.
 *
 * @returns the floor's revision afterwards.
 * @throws DomainError STORE_UNAVAILABLE.
 */
export async function trimOnce(log: EventLog, keep: number): Promise<number> {
  const { head, floor } = await log.window();
  const target = head.revision - keep;
  if (target <= floor.revision) return floor.revision;
  return (await log.trimTo(target)).floor.revision;
}

export function createJanitor({ log, keep, intervalMs, onError }: JanitorOptions): Janitor {
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  let isStopped = false;

  function schedule(): void {
    if (isStopped) return;
    timer = setTimeout(round, intervalMs * (1 - JITTER / 2 + JITTER * Math.random()));
    timer.unref(); // the server lives by its port, not by this
  }

  function round(): void {
    running = trimOnce(log, keep)
      .then(() => undefined, onError)
      .then(schedule);
  }

  return {
    start() {
      if (timer === undefined) schedule();
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
