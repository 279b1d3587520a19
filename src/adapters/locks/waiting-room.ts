import type { Acquired } from "../../ports/lock-manager.ts";
import type { ReadQuery } from "../../ports/store.ts";

/** Somebody who waits for several worlds at once. */
export interface Waiter {
  readonly worlds: readonly string[];
  readonly query: ReadQuery | undefined;
  readonly resolve: (acquired: Acquired) => void;
  readonly reject: (error: unknown) => void;
}

export interface WaitOptions {
  readonly worlds: readonly string[];
  readonly query: ReadQuery | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly onTimeout: () => Error;
}

export interface WaitingRoomDeps {
  readonly isFree: (worldId: string) => boolean;
  /** Takes the locks for a waiter whose turn has come, and answers it. */
  readonly seat: (waiter: Waiter) => void;
}

export interface WaitingRoom {
  /** True when all worlds are free and nobody came before. */
  isNext(worlds: readonly string[]): boolean;
  wait(options: WaitOptions): Promise<Acquired>;
  /** Worlds became free: seats whose turn it is. */
  serve(worlds: Iterable<string>): void;
  close(refusal: Error): void;
}

/**
 * A queue per world; who waits for several stands in each of theirs, and is served when first in all of them. So
 * nobody is overtaken for a world they want, however many worlds they want. A `Set` is the queue: insertion order
 * with removal from the middle.
 */
export function createWaitingRoom({ isFree, seat }: WaitingRoomDeps): WaitingRoom {
  const queues = new Map<string, Set<Waiter>>();

  function first(worldId: string): Waiter | undefined {
    return queues.get(worldId)?.values().next().value;
  }

  function enter(waiter: Waiter): void {
    for (const worldId of waiter.worlds) {
      const queue = queues.get(worldId);
      if (queue === undefined) queues.set(worldId, new Set([waiter]));
      else queue.add(waiter);
    }
  }

  function leave(waiter: Waiter): void {
    for (const worldId of waiter.worlds) {
      const queue = queues.get(worldId);
      queue?.delete(waiter);
      if (queue?.size === 0) queues.delete(worldId);
    }
  }

  function isTurnOf(waiter: Waiter): boolean {
    return waiter.worlds.every((worldId) => isFree(worldId) && first(worldId) === waiter);
  }

  function serve(worlds: Iterable<string>): void {
    for (const worldId of worlds) {
      const waiter = first(worldId);
      if (waiter === undefined || !isTurnOf(waiter)) continue;
      leave(waiter);
      seat(waiter);
      // Still free: the store refused this one, which must not hold up those behind.
      if (isFree(worldId)) serve(waiter.worlds);
    }
  }

  function wait({ worlds, query, timeoutMs, signal, onTimeout }: WaitOptions): Promise<Acquired> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => giveUp(onTimeout()), timeoutMs);
      const onAbort = () => giveUp(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      function settle(): void {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      }
      const waiter: Waiter = {
        worlds,
        query,
        resolve: (acquired) => {
          settle();
          resolve(acquired);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      function giveUp(error: unknown): void {
        leave(waiter);
        waiter.reject(error);
        serve(worlds);
      }
      enter(waiter);
    });
  }

  function close(refusal: Error): void {
    const all = new Set([...queues.values()].flatMap((queue) => [...queue]));
    queues.clear();
    for (const waiter of all) waiter.reject(refusal);
  }

  return {
    isNext: (worlds) => worlds.every((worldId) => isFree(worldId) && !queues.has(worldId)),
    wait,
    serve,
    close,
  };
}
