import { DomainError } from "../../domain/errors.ts";
import type { Lease } from "../../ports/lock-manager.ts";

/** How long a lease lives and is kept alive, in milliseconds. */
export interface LeaseTimes {
  /** Without renewal the locks expire after this long. Renewed at a third of it. */
  readonly ttlMs: number;
  /** A holder that has not finished by then is taken for stuck: no renewal from here on. */
  readonly maxHoldMs: number;
}

export interface LeaseOptions extends LeaseTimes {
  readonly nonce: string;
  readonly fences: ReadonlyMap<string, number>;
  /** Monotonic milliseconds at which the acquisition was sent: the locks live at least from then on. */
  readonly takenAt: number;
  monotonic(): number;
  /** True = prolonged, false = the locks are no longer the holder's; a rejection leaves it open. */
  renew(): Promise<boolean>;
  /** Gives the locks back in Redis; never rejects. */
  giveBack(): Promise<void>;
  /** Runs once when the lease ends, in whichever way. */
  onEnd(): void;
}

/** What the adapter itself may tell a lease. */
export interface OwnLease extends Lease {
  /** The locks were given back by a commit, or the store closes: nothing is left to do. */
  settle(): void;
  /** A commit was fenced: another holder has taken over. */
  lose(): void;
}

type State = "held" | "ended" | "lost";

export function createLease(options: LeaseOptions): OwnLease {
  const { nonce, fences, takenAt, ttlMs, maxHoldMs, monotonic } = options;
  let state: State = "held";
  let aliveUntil = takenAt + ttlMs;
  let controller: AbortController | undefined;
  let timer: NodeJS.Timeout | undefined;

  function end(next: "ended" | "lost"): void {
    if (state !== "held") return;
    state = next;
    clearTimeout(timer);
    if (next === "lost") controller?.abort(lockLost());
    options.onEnd();
  }

  function schedule(delayMs: number): void {
    timer = setTimeout(tick, Math.max(0, delayMs));
    // A held lock must not keep a process alive.
    timer.unref();
  }

  function tick(): void {
    const now = monotonic();
    if (now >= aliveUntil) end("lost");
    else if (now - takenAt >= maxHoldMs) schedule(aliveUntil - now);
    else void renewAt(now);
  }

  async function renewAt(now: number): Promise<void> {
    try {
      afterRenewal(now, await options.renew());
    } catch {
      // Redis could not be asked: once more soon, as long as the locks may live.
      if (state === "held") schedule(Math.min(ttlMs / 6, aliveUntil - monotonic()));
    }
  }

  function afterRenewal(sentAt: number, renewed: boolean): void {
    if (state !== "held") return;
    if (renewed) {
      aliveUntil = sentAt + ttlMs;
      schedule(ttlMs / 3);
    } else end("lost");
  }

  schedule(ttlMs / 3);
  return {
    nonce,
    fences,
    get lost() {
      // Made when asked for: most leases end before anybody does.
      controller ??= new AbortController();
      if (state === "lost" && !controller.signal.aborted) controller.abort(lockLost());
      return controller.signal;
    },
    async release() {
      if (state === "ended") return;
      end("ended");
      await options.giveBack();
    },
    settle: () => end("ended"),
    lose: () => end("lost"),
  };
}

function lockLost(): DomainError {
  return new DomainError("LOCK_LOST", "the lock was lost: it expired or another holder took over");
}
