/** A number of places; who comes when all are taken waits, first come first served. */
export interface Slots {
  /**
   * Resolves with the function that gives the place back, once there is one. Undefined when too many wait already.
   * Rejects with the signal's reason when that aborts first.
   */
  take(signal: AbortSignal): Promise<() => void> | undefined;
  /** How many wait. */
  waiting(): number;
  /** Neither taken nor waited for. */
  isIdle(): boolean;
}

/** @param perTurn so many places are given out at most in one turn of the event loop, so that turns stay short. */
export function createSlots(places: number, maxWaiting: number, perTurn = places): Slots {
  let taken = 0;
  let givenThisTurn = 0;
  const waiting = new Set<() => void>();

  function hasPlace(): boolean {
    return taken < places && givenThisTurn < perTurn;
  }

  function giveNext(): void {
    for (const next of waiting) {
      if (!hasPlace()) return;
      waiting.delete(next);
      next();
    }
  }

  function nextTurn(): void {
    givenThisTurn = 0;
    giveNext();
  }

  function place(): () => void {
    taken++;
    if (givenThisTurn++ === 0) setImmediate(nextTurn);
    let isHeld = true;
    return () => {
      if (isHeld) {
        taken--;
        giveNext();
      }
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
      if (waiting.size === 0 && hasPlace()) return Promise.resolve(place());
      return waiting.size < maxWaiting ? wait(signal) : undefined;
    },
    waiting: () => waiting.size,
    isIdle: () => taken === 0 && waiting.size === 0,
  };
}
