/** Lets refusals leave at a bounded pace. */
export interface RefusalPace {
  /** Runs `send` now while few leave, else when its turn comes. */
  refuse(send: () => void): Pending;
}

/** A refusal that may still wait. All of it does nothing once the refusal has left. */
export interface Pending {
  /** Sends it although it is not its turn. */
  hurry(): void;
  /** There is nobody left to be refused. */
  drop(): void;
}

export interface RefusalPaceOptions {
  readonly perSecond: number;
  /** So many leave at once after a quiet time. */
  readonly burst: number;
  /** Beyond this many, the one that waits longest leaves although it is not its turn: waiting costs memory. */
  readonly maxWaiting: number;
  /** Monotonic, in milliseconds. */
  readonly now?: () => number;
}

const TICK_MS = 5;

/**
 * A refusal costs a server most of what a stream costs, and whoever is refused at once has a stream free for the next
 * call: a crowd that takes no notice of refusals can so keep a server busy with nothing else. A call that waits for its
 * refusal keeps its stream meanwhile, and a connection has only so many.
 */
export function createRefusalPace({
  perSecond,
  burst,
  maxWaiting,
  ...options
}: RefusalPaceOptions): RefusalPace {
  const now = options.now ?? (() => performance.now());
  const waiting = new Set<() => void>();
  let isTicking = false;
  let tokens = burst;
  let at = now();

  function refill(): void {
    const time = now();
    tokens += ((time - at) * perSecond) / 1000;
    at = time;
    // While some wait, nothing is saved up: what a long turn has brought is theirs.
    if (waiting.size === 0) tokens = Math.min(burst, tokens);
  }

  function sendNow(send: () => void): void {
    if (waiting.delete(send)) send();
  }

  function sendOldest(): void {
    for (const send of waiting) {
      sendNow(send);
      return;
    }
  }

  function tick(): void {
    isTicking = false;
    refill();
    for (; tokens >= 1 && waiting.size > 0; tokens--) sendOldest();
    if (waiting.size > 0) tickLater();
  }

  function tickLater(): void {
    if (isTicking) return;
    isTicking = true;
    setTimeout(tick, TICK_MS);
  }

  return {
    refuse(send) {
      const pending = { hurry: () => sendNow(send), drop: () => void waiting.delete(send) };
      refill();
      if (waiting.size === 0 && tokens >= 1) {
        tokens--;
        send();
        return pending;
      }
      waiting.add(send);
      if (waiting.size > maxWaiting) sendOldest();
      tickLater();
      return pending;
    },
  };
}
