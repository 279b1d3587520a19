/** Lets refusals leave at a bounded pace. */
export interface RefusalPace {
  /** Runs `send` now while few leave, else when its turn comes. */
  refuse(send: () => void): void;
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
    tokens = Math.min(burst, tokens + ((time - at) * perSecond) / 1000);
    at = time;
  }

  function sendOldest(): void {
    const [send] = waiting;
    if (send === undefined) return;
    waiting.delete(send);
    send();
  }

  function tick(): void {
    refill();
    for (; tokens >= 1 && waiting.size > 0; tokens--) sendOldest();
    isTicking = false;
    if (waiting.size > 0) tickLater();
  }

  function tickLater(): void {
    if (isTicking) return;
    isTicking = true;
    setTimeout(tick, TICK_MS);
  }

  return {
    refuse(send) {
      refill();
      if (waiting.size === 0 && tokens >= 1) {
        tokens--;
        send();
        return;
      }
      waiting.add(send);
      if (waiting.size > maxWaiting) sendOldest();
      tickLater();
    },
  };
}
