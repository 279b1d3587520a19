/** A number of places; who comes when all are taken waits, first come first served. */
export interface Slots {
  /**
   * Resolves with the function that gives the place back, once there is one. Undefined when too many wait already.
   * Rejects with the signal's reason when that aborts first.
   */
  take(signal: AbortSignal): Promise<() => void> | undefined;
  /** Neither taken nor waited for. */
  isIdle(): boolean;
}

export function createSlots(places: number, maxWaiting: number): Slots {
  let taken = 0;
  const waiting = new Set<() => void>();

  function giveBack(): void {
    taken--;
    const [next] = waiting;
    if (next === undefined) return;
    waiting.delete(next);
    next();
  }

  function place(): () => void {
    taken++;
    let isHeld = true;
    return () => {
      if (isHeld) giveBack();
      isHeld = false;
    };
  }

  function wait(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const next = () => {
        signal.removeEventListener("abort", leave);
        resolve(place());
      };
      const leave = () => {
        waiting.delete(next);
        reject(signal.reason);
      };
      waiting.add(next);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  return {
    take(signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (taken < places && waiting.size === 0) return Promise.resolve(place());
      return waiting.size < maxWaiting ? wait(signal) : undefined;
    },
    isIdle: () => taken === 0 && waiting.size === 0,
  };
}
