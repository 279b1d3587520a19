/** Waiting that can be given up, and how long to wait. Nothing here needs Node.js. */

/** How to wait; tests bring their own. */
export interface Timing {
  /** A number in 0..1. */
  readonly random: () => number;
  /** Resolves after `ms` milliseconds, or as soon as `signal` aborts; never rejects. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export const ordinaryTiming: Timing = { random: Math.random, sleep };

export interface Backoff {
  /** Longest pause after the first failure, in milliseconds. */
  readonly baseMs: number;
  /** Longest pause after any number of failures, in milliseconds. */
  readonly maxMs: number;
}

/**
 * Full jitter: anything between nothing and a bound that doubles, so that many who lost the same server do not come
 * back at the same moment.
 *
 * @param failures failures in a row, ≥ 1.
 * @returns milliseconds.
 */
export function fullJitter(failures: number, { baseMs, maxMs }: Backoff, random: () => number): number {
  return random() * Math.min(maxMs, baseMs * 2 ** (failures - 1));
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal?.addEventListener("abort", finish, { once: true });
  });
}
