import { setTimeout as sleep } from "node:timers/promises";

/** True if the promise settled well within the time. */
export async function within(limitMs: number, promise: Promise<unknown>): Promise<boolean> {
  const stop = new AbortController();
  const late = sleep(limitMs, false, { signal: stop.signal }).catch(() => false);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    stop.abort();
  }
}

/** Waits until something holds; throws when it does not in time. */
export async function until(what: string, holds: () => boolean, limitMs = 30_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await sleep(5);
  }
}
