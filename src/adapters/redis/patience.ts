import { DomainError } from "../../domain/errors.ts";
import type { AcquireOptions } from "../../ports/lock-manager.ts";
import type { Ticket } from "./wait-lines.ts";

/** The limits of one caller's waiting: its time and its signal. All waits below reject when either is used up. */
export interface Patience {
  race<T>(promise: Promise<T>): Promise<T>;
  /** Until the ticket stands first. */
  until(ticket: Ticket): Promise<void>;
  pause(delayMs: number): Promise<void>;
  /** After so many milliseconds the lock in the way is free at the latest, by what is known now. */
  hint(freeInMs: number): void;
  /** To be called when the waiting is over: frees the timer and the signal. */
  end(): void;
}

/** Suggested pause before another attempt, in milliseconds: not longer than a lock usually takes. */
const MOST_RETRY_AFTER_MS = 1_000;

/** A free lock is to be had however short the time: one round trip is granted. */
const ROUND_TRIP_MS = 25;

export function patience({ timeoutMs, signal }: AcquireOptions, monotonic: () => number): Patience {
  const startedAt = monotonic();
  let retryAfterMs = 100;
  let giveUp: (error: unknown) => void = () => {};
  const onAbort = () => giveUp(signal?.reason);
  signal?.addEventListener("abort", onAbort);
  const timer = setTimeout(() => giveUp(timedOut()), Math.max(timeoutMs, ROUND_TRIP_MS));

  function timedOut(): DomainError {
    return new DomainError("LOCK_TIMEOUT", "another request holds the worlds", {
      retryAfterMs,
      metadata: { waited_ms: String(Math.round(monotonic() - startedAt)) },
    });
  }

  function race<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      giveUp = reject;
      promise.then(resolve, reject);
      if (signal?.aborted) reject(signal.reason);
    });
  }

  return {
    race,
    until: (ticket) =>
      race(
        new Promise((resolve) => {
          ticket.onMove(() => ticket.isFirst() && resolve());
        }),
      ),
    pause: (delayMs) => {
      if (monotonic() - startedAt >= timeoutMs) return Promise.reject(timedOut());
      return race(new Promise((resolve) => setTimeout(resolve, delayMs)));
    },
    hint(freeInMs) {
      retryAfterMs = Math.min(MOST_RETRY_AFTER_MS, Math.max(1, freeInMs));
    },
    end() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    },
  };
}
