import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { createInProcessLocks, type InProcessLocks } from "../../../../src/adapters/locks/in-process.ts";
import { DomainError } from "../../../../src/domain/errors.ts";

const TTL_MS = 30;
const MAX_HOLD_MS = 100;
const CLOSED = new DomainError("STORE_UNAVAILABLE", "closed");

/** Locks on a clock that only the test moves, over a shelf that can fail. */
function build() {
  const saved = new Map<string, number>();
  const state = { time: 0, loads: 0, writes: 0, broken: false };
  const fail = () => {
    if (state.broken) throw new DomainError("STORE_UNAVAILABLE", "broken");
  };
  const locks = createInProcessLocks({
    ttlMs: TTL_MS,
    maxHoldMs: MAX_HOLD_MS,
    clock: { now: () => 0, monotonic: () => state.time },
    shelf: {
      load: (worldId) => {
        fail();
        state.loads += 1;
        return saved.get(worldId) ?? 0;
      },
      save: (fences) => {
        fail();
        state.writes += 1;
        for (const [worldId, fence] of fences) saved.set(worldId, fence);
      },
    },
    read: () => ({
      head: { revision: 0, hash: "" },
      docs: [],
      collections: [],
      budgetTotal: 0,
      sequences: new Map(),
    }),
  });
  return { locks, saved, state };
}

async function take(locks: InProcessLocks, ...worlds: string[]) {
  return (await locks.acquire(worlds, { timeoutMs: 10_000 })).lease;
}

/** Lets the renewal timer, which runs on real time, have its turns. */
function turns(): Promise<void> {
  return sleep(2 * TTL_MS);
}

describe("in-process locks", () => {
  let built: ReturnType<typeof build>;
  beforeEach(() => {
    built = build();
  });
  afterEach(() => built.locks.close(CLOSED));

  it("renew a lease up to the longest hold, not beyond", async () => {
    const { locks, state } = built;
    const lease = await take(locks, "a");
    for (state.time = 20; state.time < MAX_HOLD_MS; state.time += 20) await turns();
    expect(lease.lost.aborted).to.equal(false);
    state.time = MAX_HOLD_MS + TTL_MS;
    await turns();
    expect(lease.lost.aborted).to.equal(true);
    expect(lease.lost.reason).to.be.instanceOf(DomainError).and.have.property("reason", "LOCK_LOST");
  });

  it("let the next one in exactly when the time is over, without waiting for a timer", async () => {
    const { locks, state } = built;
    const lease = await take(locks, "a", "b");
    state.time = TTL_MS - 1;
    const early = await locks.acquire(["b"], { timeoutMs: 0 }).catch((error: unknown) => error);
    expect(early).to.be.instanceOf(DomainError).and.have.property("reason", "LOCK_TIMEOUT");
    state.time = TTL_MS;
    expect(locks.owns("a", lease.nonce, 1)).to.equal(true);
    await take(locks, "b");
    expect(lease.lost.aborted).to.equal(true);
    expect(locks.owns("b", lease.nonce, 1), "b was taken").to.equal(false);
    expect(locks.owns("a", lease.nonce, 1), "nobody took a").to.equal(true);
  });

  it("tell a loss also to who asks for the signal afterwards", async () => {
    const { locks, state } = built;
    const lease = await take(locks, "a");
    state.time = TTL_MS;
    await take(locks, "a");
    expect(lease.lost.aborted).to.equal(true);
  });

  it("no longer own what was released", async () => {
    const { locks } = built;
    const lease = await take(locks, "a");
    await lease.release();
    expect(locks.owns("a", lease.nonce, 1)).to.equal(false);
  });

  it("keep the order of waiters that want several worlds", async () => {
    const { locks } = built;
    const first = await take(locks, "a");
    const order: string[] = [];
    const both = take(locks, "b", "a").then((lease) => {
      order.push("both");
      return lease.release();
    });
    const single = take(locks, "b").then((lease) => {
      order.push("single");
      return lease.release();
    });
    await first.release();
    await Promise.all([both, single]);
    expect(order).to.deep.equal(["both", "single"]);
  });

  it("let those behind through when one in front stops waiting", async () => {
    const { locks } = built;
    const first = await take(locks, "a");
    const impatient = locks.acquire(["a", "b"], { timeoutMs: 5 }).catch((error: unknown) => error);
    const behind = take(locks, "b");
    expect(await impatient).to.have.property("reason", "LOCK_TIMEOUT");
    await behind;
    await first.release();
  });

  it("save a number with the commit that carried it, the rest when closed, and read each once", async () => {
    const { locks, saved, state } = built;
    const lease = await take(locks, "a", "b");
    locks.noteSaved({ ...lease, lost: lease.lost, fences: new Map([["a", 1]]) });
    await lease.release();
    expect(state.writes).to.equal(0);
    await (await take(locks, "b")).release();
    expect(state.loads).to.equal(2);
    locks.close(CLOSED);
    expect([...saved]).to.deep.equal([["b", 2]]);
  });

  it("do not pile up the numbers of worlds that were locked without a commit", async () => {
    const { locks, saved, state } = built;
    for (let n = 0; n < 2_500; n += 1) await (await take(locks, `w${n}`)).release();
    expect(state.writes).to.equal(2);
    expect(saved.size).to.equal(2_000);
    expect((await take(locks, "w1")).fences.get("w1")).to.equal(2);
  });

  it("refuse while the store is broken, hold up nobody, and count on when it is back", async () => {
    const { locks, state } = built;
    const first = await take(locks, "a");
    const waiting = [1, 2, 3].map(() => locks.acquire(["a", "new"], { timeoutMs: 10_000 }));
    const refused = Promise.allSettled(waiting);
    state.broken = true;
    await first.release();
    for (const outcome of await refused) {
      expect(outcome.status === "rejected" && outcome.reason).to.have.property("reason", "STORE_UNAVAILABLE");
    }
    state.broken = false;
    expect([...(await take(locks, "a", "new")).fences.values()]).to.deep.equal([2, 1]);
  });

  it("end every lease and every wait when they are closed", async () => {
    const { locks } = built;
    const lease = await take(locks, "a");
    const { lost } = lease;
    const waiting = locks.acquire(["a"], { timeoutMs: 10_000 }).catch((error: unknown) => error);
    locks.close(CLOSED);
    expect(await waiting).to.equal(CLOSED);
    expect(lost.aborted).to.equal(true);
    expect(await locks.acquire(["b"], { timeoutMs: 0 }).catch((error: unknown) => error)).to.equal(CLOSED);
    await lease.release();
  });
});
