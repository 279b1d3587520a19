import type { RefusedBy } from "./admission.ts";

/** Where the lines go: a pino logger fits. */
export interface RefusalLogTarget {
  warn(fields: object, message: string): void;
}

/** One line a second for all refusals: a line for each would be work that an overloaded server does not have time for. */
export interface RefusalLog {
  count(by: RefusedBy): void;
  start(): void;
  /** Writes what was counted last. */
  stop(): Promise<void>;
}

export function createRefusalLog(log: RefusalLogTarget, intervalMs = 1000): RefusalLog {
  const counts = new Map<RefusedBy, number>();
  let timer: NodeJS.Timeout | undefined;

  function write(): void {
    if (counts.size === 0) return;
    log.warn({ refused: Object.fromEntries(counts) }, "calls were refused");
    counts.clear();
  }

  return {
    count: (by) => void counts.set(by, (counts.get(by) ?? 0) + 1),
    start() {
      timer ??= setInterval(write, intervalMs).unref();
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      write();
    },
  };
}
