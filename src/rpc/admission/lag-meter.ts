/** Measures how far the event loop is behind: how much later than asked a timer runs. */
export interface LagMeter {
  start(): void;
  stop(): Promise<void>;
  /** Mean over about the last second, in milliseconds: one long computation is no overload. */
  lagMs(): number;
}

const INTERVAL_MS = 50;
const MEMORY_MS = 1000;
/** One stall counts as at most this much, so that the mean recovers within a second. */
const MAX_LAG_MS = 500;

export function createLagMeter(now: () => number = () => performance.now()): LagMeter {
  let timer: NodeJS.Timeout | undefined;
  let mean = 0;
  let at = now();

  function sample(): void {
    const elapsed = now() - at;
    at += elapsed;
    const lag = Math.min(MAX_LAG_MS, Math.max(0, elapsed - INTERVAL_MS));
    mean += (lag - mean) * Math.min(1, elapsed / MEMORY_MS);
  }

  return {
    start() {
      at = now();
      timer ??= setInterval(sample, INTERVAL_MS).unref();
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
    },
    lagMs: () => mean,
  };
}
