import type { ReadQuery, ReadResult } from "./store.ts";

/**
 * A lock saves contention; it has a time limit, so holding it proves nothing at save time. The commit compares
 * nonce and fence again. A holder past its time whom nobody replaced may still commit: nothing intervened.
 */
export interface Lease {
  /** 128 random bits in hex, new for every acquisition. */
  readonly nonce: string;
  /** The fence number of each locked world: rises by one with every acquisition of that world. */
  readonly fences: ReadonlyMap<string, number>;
  /** Aborts when the lease is known to be lost: a renewal was refused or came too late. */
  readonly lost: AbortSignal;
  /** Gives the locks back, if they are still this holder's. Safe to repeat; never rejects. */
  release(): Promise<void>;
}

export interface AcquireOptions {
  /** Give up after this many milliseconds. */
  readonly timeoutMs: number;
  /** Give up when it aborts; the rejection is the signal's reason. */
  readonly signal?: AbortSignal;
  /** Read in the same step, under the lock. */
  readonly read?: ReadQuery;
}

export interface Acquired {
  readonly lease: Lease;
  /** The answer to `read`, as of the moment the locks were taken; of an empty query without one. */
  readonly context: ReadResult;
}

/** All worlds at once or none. Waiters of one process are served first come, first served. */
export interface LockManager {
  /**
   * @param worlds ids in any order, without repeats, at least one.
   * @throws DomainError LOCK_TIMEOUT (with a retry hint) when the locks could not be had in time.
   * @throws DomainError STORE_UNAVAILABLE when the store cannot be reached.
   */
  acquire(worlds: readonly string[], options: AcquireOptions): Promise<Acquired>;
}
