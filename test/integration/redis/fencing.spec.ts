import { expect } from "chai";
import { bookKeys } from "../../../src/adapters/redis/keys.ts";
import type { Lease } from "../../../src/ports/lock-manager.ts";
import type { OpenedStore } from "../../../src/ports/opened-store.ts";
import { type RedisServer, startRedis } from "../../support/redis.ts";
import { command, eventually, expectWhole, openBook, refusal, upsert } from "./support.ts";

describe("two processes over one book", () => {
  let server: RedisServer;
  let paused: OpenedStore;
  let other: OpenedStore;

  beforeEach(async () => {
    server = await startRedis();
    paused = await openBook(server.url, { lockTtlMs: 60_000 });
    other = await openBook(server.url, { lockTtlMs: 60_000 });
  });
  afterEach(async () => {
    await paused.close();
    await other.close();
    await server.stop();
  });

  const PATIENCE = { timeoutMs: 10_000 };

  /** What time does to a holder that stands still: the lock ends, and the holder does not know. */
  async function expire(worldId: string, { nonce, fences }: Lease): Promise<void> {
    await command(server.url, "HSET", bookKeys("main").holders, worldId, `${fences.get(worldId)} ${nonce} 1`);
  }

  it("refuses the commit of a holder past its time once another holds the world", async () => {
    const { lease } = await paused.locks.acquire(["alpha"], PATIENCE);
    await expire("alpha", lease);
    const { lease: newer } = await other.locks.acquire(["alpha"], PATIENCE);
    await other.store.commit({ ...upsert("alpha", "theirs"), lease: newer, release: true });
    const outcome = await paused.store.commit({ ...upsert("alpha", "late"), lease, release: true });
    expect(outcome).to.deep.equal({ kind: "fenced", worldId: "alpha" });
    expect(lease.lost.aborted).to.equal(true);
    expect(await paused.store.findRun("late")).to.equal(undefined);
    expect(await expectWhole(other, "alpha")).to.equal(1);
  });

  it("refuses it although the other has given the world back without a commit", async () => {
    const { lease } = await paused.locks.acquire(["alpha"], PATIENCE);
    await expire("alpha", lease);
    await (await other.locks.acquire(["alpha"], PATIENCE)).lease.release();
    expect((await paused.store.commit({ ...upsert("alpha", "late"), lease })).kind).to.equal("fenced");
  });

  it("lets it through when nobody replaced it: nothing intervened", async () => {
    const { lease } = await paused.locks.acquire(["alpha"], PATIENCE);
    await expire("alpha", lease);
    expect((await paused.store.commit({ ...upsert("alpha", "late"), lease })).kind).to.equal("committed");
  });

  it("refuses the same fence number under another nonce, as after a failover that lost the counter", async () => {
    const { lease } = await paused.locks.acquire(["alpha"], PATIENCE);
    await command(server.url, "HDEL", bookKeys("main").holders, "alpha");
    const { lease: newer } = await other.locks.acquire(["alpha"], PATIENCE);
    expect(newer.fences.get("alpha")).to.equal(lease.fences.get("alpha"));
    expect((await paused.store.commit({ ...upsert("alpha", "late"), lease })).kind).to.equal("fenced");
  });

  it("forgets locks in a crash: they are free at once, and who held one may not commit any more", async () => {
    const { lease } = await paused.locks.acquire(["alpha"], PATIENCE);
    await server.kill();
    await server.restart();
    const { lease: newer } = await eventually(() => other.locks.acquire(["alpha"], PATIENCE));
    expect(newer.nonce).to.not.equal(lease.nonce);
    const late = await eventually(() => paused.store.commit({ ...upsert("alpha", "late"), lease }));
    expect(late).to.deep.equal({ kind: "fenced", worldId: "alpha" });
    const outcome = await other.store.commit({ ...upsert("alpha", "theirs"), lease: newer });
    expect(outcome.kind).to.equal("committed");
  });

  it("gives out no fence again that a commit has seen, crash or not", async () => {
    const { lease } = await paused.locks.acquire(["alpha"], PATIENCE);
    await paused.store.commit({ ...upsert("alpha", "first"), lease });
    await server.kill();
    await server.restart();
    await eventually(() => expire("alpha", lease));
    const { lease: newer } = await eventually(() => other.locks.acquire(["alpha"], PATIENCE));
    expect(newer.fences.get("alpha")).to.equal((lease.fences.get("alpha") ?? 0) + 1);
  });

  it("keeps a world from the other process, tells it when to come back, and hands it on", async () => {
    const { lease } = await paused.locks.acquire(["alpha"], PATIENCE);
    const error = await refusal(other.locks.acquire(["alpha"], { timeoutMs: 60 }), "LOCK_TIMEOUT");
    expect(error.retryAfterMs).to.be.within(1, 1_000);
    const waiting = other.locks.acquire(["alpha"], PATIENCE);
    await lease.release();
    expect((await waiting).lease.fences.get("alpha")).to.equal(2);
  });

  it("stops renewing the locks of a holder that never finishes", async () => {
    const stuck = await openBook(server.url, { lockTtlMs: 300, lockMaxHoldMs: 200 });
    try {
      await stuck.locks.acquire(["alpha"], PATIENCE);
      expect((await other.locks.acquire(["alpha"], PATIENCE)).lease.fences.get("alpha")).to.equal(2);
    } finally {
      await stuck.close();
    }
  });

  it("makes equal requests of both processes one run, and wakes the feed of the one that did not commit", async () => {
    const woken = paused.log.waitAfter(0, new AbortController().signal);
    const attempts = Array.from({ length: 100 }, (_, i) =>
      (i % 2 === 0 ? other : paused).store.commit(upsert("alpha", "same")),
    );
    const kinds = (await Promise.all(attempts)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === "committed")).to.deep.equal(["committed"]);
    expect(kinds.filter((kind) => kind === "replayed").length).to.equal(99);
    await woken;
    expect(await eventually(() => expectWhole(paused, "alpha"))).to.equal(1);
  });

  it("moves no money between two worlds but whole, whoever does it, and never more than the budget", async () => {
    const limit = 10;
    const take = async (book: OpenedStore, member: string) =>
      (await book.store.commit({ budget: { name: "allocation", set: [{ member, units: 3 }], limit } })).kind;
    const kinds = await Promise.all(
      Array.from({ length: 20 }, (_, i) => take(i % 2 === 0 ? other : paused, `world-${i}`)),
    );
    expect(kinds.filter((kind) => kind === "committed").length).to.equal(3);
    expect((await other.store.read({ keys: [], budget: "allocation" })).budgetTotal).to.equal(9);
  });
});
