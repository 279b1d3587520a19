import { randomBytes } from "node:crypto";
import { DomainError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Acquired, AcquireOptions, Lease, LockManager } from "../../ports/lock-manager.ts";
import type { ReadQuery, ReadResult } from "../../ports/store.ts";
import { createFenceBook, type FenceShelf } from "./fence-book.ts";
import { createWaitingRoom, type Waiter } from "./waiting-room.ts";

/** A holder renews while it lives; longer than this nobody holds a lock, however alive. */
const DEFAULT_MAX_HOLD_MS = 30_000;
const RETRY_AFTER_MS = 100;
const NONCE_BYTES = 16;

export interface InProcessLocksOptions {
  /** How long a lease lasts without renewal, in milliseconds. */
  readonly ttlMs: number;
  /** How long a lease is renewed at most, in milliseconds. */
  readonly maxHoldMs?: number;
  readonly clock: Clock;
  readonly shelf: FenceShelf;
  /** Reads under the lock, in the same turn it is taken. */
  readonly read: (query: ReadQuery) => ReadResult;
}

/** The lock manager and what the commit of the same process asks it. */
export interface InProcessLocks extends LockManager {
  owns(worldId: string, nonce: string, fence: number): boolean;
  /** The fences of this lease are on disk. */
  noteSaved(lease: Lease): void;
  /** The lease's `release`, in step with a commit. */
  giveBack(lease: Lease): void;
  /** Refuses all who wait, ends all leases, writes what is unwritten. */
  close(refusal: DomainError): void;
}

interface Holder {
  readonly nonce: string;
  readonly fences: ReadonlyMap<string, number>;
  readonly since: number;
  expiresAt: number;
  lost: boolean;
  signal: AbortController | undefined;
}

/** Per world: who acquired it last. `holder` is gone once the lease ran out; nonce and fence stay until the next one. */
interface Slot {
  nonce: string;
  fence: number;
  holder: Holder | undefined;
}

function timeoutRefusal(): DomainError {
  return new DomainError(
    "LOCK_TIMEOUT",
    "the worlds are locked by other requests; send the same call again",
    {
      retryAfterMs: RETRY_AFTER_MS,
    },
  );
}

/** One mutex per world inside this process, with the leases, fences and time limits of a distributed one. */
export function createInProcessLocks(options: InProcessLocksOptions): InProcessLocks {
  const { ttlMs, maxHoldMs = DEFAULT_MAX_HOLD_MS, clock, shelf, read } = options;
  const slots = new Map<string, Slot>();
  const holders = new Map<string, Holder>();
  const fences = createFenceBook(shelf);
  const room = createWaitingRoom({ isFree, seat });
  let renewal: NodeJS.Timeout | undefined;
  let closed: DomainError | undefined;

  function isFree(worldId: string): boolean {
    return slots.get(worldId)?.holder === undefined;
  }

  function markLost(holder: Holder): void {
    holder.lost = true;
    holder.signal?.abort(new DomainError("LOCK_LOST", "the lock ran out before the work was done"));
  }

  /** Takes the locks away. The owner's nonce stays, so that it may still commit while nobody came after it. */
  function expire(holder: Holder): void {
    holders.delete(holder.nonce);
    markLost(holder);
    for (const worldId of holder.fences.keys()) {
      const slot = slots.get(worldId);
      if (slot?.holder === holder) slot.holder = undefined;
    }
    room.serve(holder.fences.keys());
  }

  function expireLate(worlds: readonly string[]): void {
    const now = clock.monotonic();
    for (const worldId of worlds) {
      const holder = slots.get(worldId)?.holder;
      if (holder !== undefined && now >= holder.expiresAt) expire(holder);
    }
  }

  /** One timer for all leases. A turn that comes after a lease's end finds it lost, like a renewal that is refused. */
  function renewAll(): void {
    const now = clock.monotonic();
    for (const holder of holders.values()) {
      if (now >= holder.expiresAt) expire(holder);
      else if (now - holder.since < maxHoldMs) holder.expiresAt = now + ttlMs;
    }
    if (holders.size === 0) stopRenewal();
  }

  function stopRenewal(): void {
    clearInterval(renewal);
    renewal = undefined;
  }

  function giveBack(lease: Lease): void {
    const holder = holders.get(lease.nonce);
    const worlds = [...(holder ?? lease).fences.keys()];
    holders.delete(lease.nonce);
    for (const worldId of worlds) {
      const slot = slots.get(worldId);
      if (slot === undefined || slot.nonce !== lease.nonce) continue;
      slots.delete(worldId);
      fences.setDown(worldId);
    }
    if (holder !== undefined) room.serve(worlds);
  }

  function leaseOf(holder: Holder): Lease {
    const lease: Lease = {
      nonce: holder.nonce,
      fences: holder.fences,
      get lost() {
        if (holder.signal === undefined) {
          holder.signal = new AbortController();
          if (holder.lost) markLost(holder);
        }
        return holder.signal.signal;
      },
      async release() {
        giveBack(lease);
      },
    };
    return lease;
  }

  /** Takes worlds that are free. Fails, changing nothing, when the fences cannot be read. */
  function take(worlds: readonly string[]): Lease {
    const numbers = fences.next(worlds);
    const now = clock.monotonic();
    const nonce = randomBytes(NONCE_BYTES).toString("hex");
    const holder: Holder = {
      nonce,
      fences: numbers,
      since: now,
      expiresAt: now + ttlMs,
      lost: false,
      signal: undefined,
    };
    for (const [worldId, fence] of numbers) slots.set(worldId, { nonce, fence, holder });
    holders.set(nonce, holder);
    renewal ??= setInterval(renewAll, ttlMs / 3).unref();
    return leaseOf(holder);
  }

  function takeAndRead(worlds: readonly string[], query: ReadQuery | undefined): Acquired {
    const lease = take(worlds);
    try {
      return { lease, context: read(query ?? { keys: [] }) };
    } catch (error) {
      giveBack(lease);
      throw error;
    }
  }

  function seat({ worlds, query, resolve, reject }: Waiter): void {
    try {
      resolve(takeAndRead(worlds, query));
    } catch (error) {
      reject(error);
    }
  }

  async function acquire(worlds: readonly string[], { timeoutMs, signal, read: query }: AcquireOptions) {
    signal?.throwIfAborted();
    if (closed !== undefined) throw closed;
    expireLate(worlds);
    if (room.isNext(worlds)) return takeAndRead(worlds, query);
    if (timeoutMs <= 0) throw timeoutRefusal();
    return room.wait({ worlds, query, timeoutMs, signal, onTimeout: timeoutRefusal });
  }

  function owns(worldId: string, nonce: string, fence: number): boolean {
    const slot = slots.get(worldId);
    return slot !== undefined && slot.nonce === nonce && slot.fence === fence;
  }

  function close(refusal: DomainError): void {
    closed = refusal;
    stopRenewal();
    room.close(refusal);
    for (const holder of holders.values()) markLost(holder);
    holders.clear();
    slots.clear();
    fences.saveAll();
  }

  return { acquire, owns, giveBack, close, noteSaved: (lease) => fences.noteSaved(lease.fences) };
}
