import { setImmediate as nextTurn } from "node:timers/promises";

interface Sleeper {
  readonly revision: number;
  readonly wake: () => void;
}

export interface WakeUps {
  /** Resolves with the next ring above `revision` or when the signal aborts; keeps nothing afterwards. */
  wait(revision: number, signal: AbortSignal): Promise<void>;
  ring(revision: number): void;
}

/** Lets the event loop serve others between two steps of long work. */
export async function breathe(): Promise<void> {
  await nextTurn();
}

export function createWakeUps(): WakeUps {
  const sleepers = new Set<Sleeper>();

  function wait(revision: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        sleepers.delete(sleeper);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper: Sleeper = { revision, wake };
      sleepers.add(sleeper);
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  function ring(revision: number): void {
    for (const sleeper of sleepers) {
      if (revision > sleeper.revision) sleeper.wake();
    }
  }

  return { wait, ring };
}
