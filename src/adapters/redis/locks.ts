import { randomBytes } from "node:crypto";
import { DomainError } from "../../domain/errors.ts";
import type { Acquired, AcquireOptions, Lease, LockManager } from "../../ports/lock-manager.ts";
import type { ReadQuery } from "../../ports/store.ts";
import { CODE } from "./codes.ts";
import { keyTable } from "./keys.ts";
import { createLease, type LeaseTimes, type OwnLease } from "./lease.ts";
import { pack } from "./message-pack.ts";
import { patience } from "./patience.ts";
import { encodeQuery, NO_QUERY, type QueryReply, toReadResult } from "./reading.ts";
import type { Session } from "./session.ts";
import { type TurnBatch, turnBatch } from "./turn-batch.ts";
import { storeUnavailable } from "./unavailable.ts";
import { type Ticket, waitLines } from "./wait-lines.ts";

/** The lock manager, and what the store must tell it. */
export interface RedisLocks extends LockManager {
  /** The lease if it is one of these locks and still held. */
  ownLease(lease: Lease): OwnLease | undefined;
  /** Stops all timers; locks still held expire by themselves. */
  close(): void;
}

interface Attempt {
  readonly worlds: readonly string[];
  readonly nonce: string;
  readonly query: ReadQuery;
}

type AttemptReply = readonly [1, readonly string[], QueryReply] | readonly [-8, number];

interface Answer {
  readonly head: readonly [string | null, string | null];
  readonly reply: AttemptReply;
}

/** Waiting for a lock that another process holds: pauses from 4 ms on, doubling up to 64 ms, jittered. */
const PAUSE_MS = { first: 4, most: 64 };
/** Locks whose release failed are given back later: so often, and in such steps. */
const GIVE_BACK = { attempts: 3, stepMs: 200 };
/** About so many requests share one script call. */
const BATCH_SIZE = 21;

/** Attempts made in one turn travel together. */
function attemptBatch({ keys, scripts, link }: Session, ttlMs: number): TurnBatch<Attempt, Answer> {
  return turnBatch<Attempt, Answer>({
    maxWeight: BATCH_SIZE,
    weigh: () => 1,
    async send(requests) {
      const table = keyTable([keys.meta, keys.holders]);
      const packed = requests.map(({ nonce, worlds, query }) => [
        nonce,
        worlds,
        encodeQuery(table, keys, query),
      ]);
      const args = [String(ttlMs), pack(packed)];
      const [revision, hash, replies] = (await link.run(scripts["acquire-locks-n"], table.keys, args)) as [
        string | null,
        string | null,
        AttemptReply[],
      ];
      return replies.map((reply) => ({ head: [revision, hash] as const, reply }));
    },
  });
}

export function redisLocks(session: Session, times: LeaseTimes): RedisLocks {
  const { keys, scripts, link } = session;
  const lines = waitLines();
  const held = new Map<string, OwnLease>();
  const monotonic = () => performance.now();
  let closed = false;

  const attempts = attemptBatch(session, times.ttlMs);
  async function released(worlds: readonly string[], nonce: string): Promise<boolean> {
    try {
      await link.run(scripts["release-locks-1"], [keys.holders], [nonce, ...worlds]);
      return true;
    } catch {
      return false;
    }
  }

  /** The caller waits for the first try only: with Redis gone, its own answer must not be late for the locks' sake. */
  async function giveBack(worlds: readonly string[], nonce: string): Promise<void> {
    if (!(await released(worlds, nonce))) void giveBackLater(worlds, nonce);
  }

  async function giveBackLater(worlds: readonly string[], nonce: string): Promise<void> {
    for (let attempt = 1; attempt <= GIVE_BACK.attempts && !closed; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, attempt * GIVE_BACK.stepMs).unref());
      if (!closed && (await released(worlds, nonce))) return;
    }
  }

  function startLease(
    attempt: Attempt,
    fences: readonly string[],
    takenAt: number,
    ticket: Ticket,
  ): OwnLease {
    const { worlds, nonce } = attempt;
    const lease = createLease({
      ...times,
      nonce,
      fences: new Map(worlds.map((world, i) => [world, Number(fences[i])])),
      takenAt,
      monotonic,
      renew: async () => {
        const reply = await link.run(
          scripts["renew-locks-1"],
          [keys.holders],
          [nonce, String(times.ttlMs), ...worlds],
        );
        return reply === CODE.DONE;
      },
      giveBack: () => giveBack(worlds, nonce),
      onEnd() {
        held.delete(nonce);
        ticket.leave();
      },
    });
    held.set(nonce, lease);
    return lease;
  }

  /** One try. Should the caller lose patience meanwhile, locks that were taken are given back. */
  async function tryOnce(attempt: Attempt, waiting: ReturnType<typeof patience>): Promise<Answer> {
    const asked = attempts.ask(attempt);
    try {
      return await waiting.race(asked);
    } catch (error) {
      // Also when the reply was lost: the script may have run.
      void asked.catch(() => {}).then(() => giveBack(attempt.worlds, attempt.nonce));
      throw error;
    }
  }

  async function acquireInTurn(
    attempt: Attempt,
    ticket: Ticket,
    waiting: ReturnType<typeof patience>,
  ): Promise<Acquired> {
    if (!ticket.isFirst()) await waiting.until(ticket);
    for (let pauseMs = PAUSE_MS.first; ; pauseMs = Math.min(PAUSE_MS.most, pauseMs * 2)) {
      const takenAt = monotonic();
      const { head, reply } = await tryOnce(attempt, waiting);
      if (reply[0] === CODE.DONE) {
        const lease = startLease(attempt, reply[1], takenAt, ticket);
        return { lease, context: toReadResult(attempt.query, head, reply[2]) };
      }
      waiting.hint(reply[1]);
      await waiting.pause(Math.min(reply[1] + 1, pauseMs * (0.5 + Math.random() / 2)));
    }
  }

  return {
    async acquire(worlds, options: AcquireOptions) {
      if (closed) throw storeUnavailable("the store is closed");
      options.signal?.throwIfAborted();
      if (worlds.length === 0) throw new DomainError("INVALID_FIELD", "a lock needs at least one world");
      const attempt = { worlds, nonce: randomBytes(16).toString("hex"), query: options.read ?? NO_QUERY };
      const ticket = lines.join(worlds);
      const waiting = patience(options, monotonic);
      try {
        return await acquireInTurn(attempt, ticket, waiting);
      } catch (error) {
        ticket.leave();
        throw error;
      } finally {
        waiting.end();
      }
    },
    ownLease: (lease) => held.get(lease.nonce),
    close() {
      closed = true;
      for (const lease of held.values()) lease.settle();
    },
  };
}
