import { getEventListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { Lease } from "../../../src/ports/lock-manager.ts";
import { commit, dump, freezeProcess, keyOf, type OpenBook, putOf, refusalOf, useBook } from "./fixture.ts";

const PATIENCE = { timeoutMs: 15_000 };
const IMPATIENCE = { timeoutMs: 100 };

/** What every lock manager must do. `open` hands out a new, empty book each time. */
export function lockManagerContract(name: string, open: OpenBook): void {
  describe(`lock manager on ${name}`, () => {
    describe("with calm leases", () => calmContract(open));
    describe("with leases that run out", () => expiryContract(open));
  });
}

function calmContract(open: OpenBook): void {
  const book = useBook(open);

  async function acquire(...worlds: string[]): Promise<Lease> {
    return (await book().locks.acquire(worlds, PATIENCE)).lease;
  }

  it("gives every acquisition a new nonce and each world its next fence", async () => {
    const first = await acquire("alpha", "beta");
    await first.release();
    const second = await acquire("beta");
    await second.release();
    const third = await acquire("beta", "alpha");
    expect(new Map(first.fences)).to.deep.equal(
      new Map([
        ["alpha", 1],
        ["beta", 1],
      ]),
    );
    expect(new Map(second.fences)).to.deep.equal(new Map([["beta", 2]]));
    expect(new Map(third.fences)).to.deep.equal(
      new Map([
        ["alpha", 2],
        ["beta", 3],
      ]),
    );
    const nonces = [first, second, third].map(({ nonce }) => nonce);
    expect(new Set(nonces).size).to.equal(3);
    for (const nonce of nonces) expect(nonce).to.match(/^[0-9a-f]{32}$/);
    expect(third.lost.aborted).to.equal(false);
  });

  it("keeps a world for its holder until it is released", async () => {
    const holder = await acquire("alpha");
    const error = await refusalOf(book().locks.acquire(["alpha"], IMPATIENCE), "LOCK_TIMEOUT");
    expect(error.retryAfterMs).to.be.greaterThan(0);
    await holder.release();
    expect((await acquire("alpha")).fences.get("alpha")).to.equal(2);
  });

  it("takes all worlds or none", async () => {
    const holder = await acquire("beta");
    await refusalOf(book().locks.acquire(["alpha", "beta", "gamma"], IMPATIENCE), "LOCK_TIMEOUT");
    const others = await acquire("alpha", "gamma");
    expect([...others.fences.values()]).to.deep.equal([1, 1]);
    await holder.release();
  });

  it("serves waiters of one process first come, first served", async () => {
    const holder = await acquire("alpha");
    const order: number[] = [];
    const waits = Array.from({ length: 12 }, async (_, n) => {
      const lease = await acquire("alpha");
      order.push(n);
      await lease.release();
    });
    await holder.release();
    await Promise.all(waits);
    expect(order).to.deep.equal(Array.from({ length: 12 }, (_, n) => n));
  });

  it("lets requests over crossing sets of worlds through, one holder per world at a time", async () => {
    const worlds = ["a", "b", "c", "d"];
    const inside = new Map<string, number>();
    const work = Array.from({ length: 60 }, async (_, n) => {
      const wanted = worlds.filter((_, at) => ((n * 7 + 3) >> at) & 1);
      const chosen = wanted.length === 0 ? ["a"] : n % 2 === 0 ? wanted : wanted.toReversed();
      const lease = await acquire(...chosen);
      for (const world of chosen) inside.set(world, (inside.get(world) ?? 0) + 1);
      await new Promise((resolve) => setImmediate(resolve));
      expect(chosen.map((world) => inside.get(world))).to.deep.equal(chosen.map(() => 1));
      for (const world of chosen) inside.set(world, 0);
      await lease.release();
    });
    await Promise.all(work);
  });

  it("stops waiting when the caller gives up, with the caller's reason, and holds up nobody", async () => {
    const holder = await acquire("alpha");
    const controller = new AbortController();
    const waiting = book().locks.acquire(["alpha"], { ...PATIENCE, signal: controller.signal });
    const behind = acquire("alpha");
    const reason = new Error("the caller went away");
    controller.abort(reason);
    const [outcome] = await Promise.allSettled([waiting]);
    expect(outcome).to.deep.equal({ status: "rejected", reason });
    expect(getEventListeners(controller.signal, "abort")).to.deep.equal([]);
    await holder.release();
    expect((await behind).fences.get("alpha")).to.equal(2);
    const before = book().locks.acquire(["beta"], { ...PATIENCE, signal: AbortSignal.abort(reason) });
    expect((await Promise.allSettled([before]))[0]).to.deep.equal({ status: "rejected", reason });
  });

  it("keeps no listener on the caller's signal after the locks were had", async () => {
    const { signal } = new AbortController();
    const holder = await acquire("alpha");
    const waiting = book().locks.acquire(["alpha"], { ...PATIENCE, signal });
    await holder.release();
    await (await waiting).lease.release();
    expect(getEventListeners(signal, "abort")).to.deep.equal([]);
  });

  it("reads under the lock, in the same step", async () => {
    const key = keyOf("world", "alpha");
    await commit(book(), { puts: [{ key, body: "1" }] });
    const { lease } = await book().locks.acquire(["alpha"], PATIENCE);
    const waiting = book().locks.acquire(["alpha"], {
      ...PATIENCE,
      read: { keys: [key, keyOf("world", "x")], collections: [{ kind: "world", scope: "" }] },
    });
    await commit(book(), { lease, puts: [{ key, body: "2" }], release: true });
    const { context } = await waiting;
    expect(context.head.revision).to.equal(2);
    expect(context.docs.map((doc) => doc?.body)).to.deep.equal(["2", undefined]);
    expect(context.collections[0]?.map(({ body }) => body)).to.deep.equal(["2"]);
  });

  it("answers without a query with the head alone", async () => {
    await commit(book(), {});
    const { context } = await book().locks.acquire(["alpha"], PATIENCE);
    expect(context.head.revision).to.equal(1);
    expect([context.docs, context.collections]).to.deep.equal([[], []]);
  });

  it("releases as often as asked, and never another's lock", async () => {
    const first = await acquire("alpha");
    await first.release();
    const second = await acquire("alpha");
    await first.release();
    await first.release();
    await refusalOf(book().locks.acquire(["alpha"], IMPATIENCE), "LOCK_TIMEOUT");
    await commit(book(), { lease: second });
    await second.release();
  });

  it("gives the locks back with the commit that asks for it", async () => {
    const lease = await acquire("alpha", "beta");
    await commit(book(), { lease, release: true });
    expect((await acquire("beta", "alpha")).fences.get("alpha")).to.equal(2);
    await lease.release();
  });

  it("gives the locks back with a replay, and keeps them with a refusal", async () => {
    const claim = { runId: "r", fingerprint: "f" };
    await commit(book(), { claim, puts: [putOf("run", "r", "{}")] });
    const first = await acquire("alpha");
    expect((await book().store.commit({ lease: first, claim, release: true })).kind).to.equal("replayed");
    const second = await acquire("alpha");
    const refused = { lease: second, expect: [{ key: keyOf("world", "x"), version: 7 }], release: true };
    expect((await book().store.commit(refused)).kind).to.equal("stale");
    await refusalOf(book().locks.acquire(["alpha"], IMPATIENCE), "LOCK_TIMEOUT");
    await second.release();
  });

  it("commits under one lease several times while it is held", async () => {
    const lease = await acquire("alpha");
    await commit(book(), { lease });
    await commit(book(), { lease });
    expect((await commit(book(), { lease, release: true })).revision).to.equal(3);
  });

  it("fences by equality of nonce and number, of every world in the lease", async () => {
    const lease = await acquire("alpha", "beta");
    const forgeries: readonly [Partial<Lease>, string][] = [
      [{ nonce: "f".repeat(32) }, "alpha"],
      [
        {
          fences: new Map([
            ["alpha", 2],
            ["beta", 1],
          ]),
        },
        "alpha",
      ],
      [
        {
          fences: new Map([
            ["alpha", 1],
            ["beta", 0],
          ]),
        },
        "beta",
      ],
      [
        {
          fences: new Map([
            ["alpha", 1],
            ["never", 1],
          ]),
        },
        "never",
      ],
    ];
    for (const [forged, worldId] of forgeries) {
      const before = await dump(book(), ["alpha", "beta"]);
      const outcome = await book().store.commit({
        lease: { ...lease, lost: lease.lost, ...forged },
        claim: { runId: "r", fingerprint: "f" },
        puts: [putOf("run", "r", "{}")],
        events: [{ worldId: "alpha", body: "{}" }],
      });
      expect(outcome).to.deep.equal({ kind: "fenced", worldId });
      expect(await dump(book(), ["alpha", "beta"])).to.deep.equal(before);
      expect(await book().store.findRun("r")).to.equal(undefined);
    }
    await commit(book(), { lease, release: true });
  });

  it("refuses waiters with STORE_UNAVAILABLE when the store is closed", async () => {
    const lease = await acquire("alpha");
    const waiting = book().locks.acquire(["alpha"], PATIENCE);
    const refused = refusalOf(waiting, "STORE_UNAVAILABLE");
    await new Promise((resolve) => setTimeout(resolve, 20));
    await book().close();
    await refused;
    await lease.release();
  });
}

function expiryContract(open: OpenBook): void {
  const ttlMs = 500;
  const pastTtlMs = ttlMs + 150;
  const book = useBook(open, ttlMs);

  async function acquire(world: string): Promise<Lease> {
    return (await book().locks.acquire([world], PATIENCE)).lease;
  }

  it("renews a lease while its holder lives", async () => {
    const lease = await acquire("alpha");
    await sleep(2.5 * ttlMs);
    await refusalOf(book().locks.acquire(["alpha"], IMPATIENCE), "LOCK_TIMEOUT");
    expect(lease.lost.aborted).to.equal(false);
    await commit(book(), { lease, release: true });
  });

  it("lets a holder past its time commit while nobody replaced it", async () => {
    const lease = await acquire("alpha");
    freezeProcess(pastTtlMs);
    expect((await book().store.commit({ lease, puts: [putOf("world", "alpha", "{}")] })).kind).to.equal(
      "committed",
    );
    await lease.release();
  });

  it("refuses a holder past its time that was replaced, and changes nothing", async () => {
    const late = await acquire("alpha");
    freezeProcess(pastTtlMs);
    const next = await acquire("alpha");
    expect(next.fences.get("alpha")).to.equal(2);
    const before = await dump(book(), ["alpha"]);
    const outcome = await book().store.commit({
      lease: late,
      claim: { runId: "late", fingerprint: "f" },
      puts: [putOf("run", "late", "{}")],
      events: [{ worldId: "alpha", body: "{}" }],
      release: true,
    });
    expect(outcome).to.deep.equal({ kind: "fenced", worldId: "alpha" });
    expect(await dump(book(), ["alpha"])).to.deep.equal(before);
    await late.release();
    expect((await book().store.commit({ lease: next })).kind).to.equal("committed");
    await next.release();
  });

  it("tells a holder that its lease is lost", async () => {
    const lease = await acquire("alpha");
    const told = new Promise((resolve) => lease.lost.addEventListener("abort", resolve, { once: true }));
    freezeProcess(pastTtlMs);
    await told;
    expect(lease.lost.aborted).to.equal(true);
  });

  it("hands a world on when its holder's time ran out", async () => {
    const late = await acquire("alpha");
    const waiting = acquire("alpha");
    freezeProcess(pastTtlMs);
    const next = await waiting;
    expect(next.nonce).to.not.equal(late.nonce);
    expect((await book().store.commit({ lease: late })).kind).to.equal("fenced");
    expect((await book().store.commit({ lease: next, release: true })).kind).to.equal("committed");
  });
}
