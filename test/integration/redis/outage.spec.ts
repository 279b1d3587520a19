import { getEventListeners } from "node:events";
import { expect } from "chai";
import type { OpenedStore } from "../../../src/ports/opened-store.ts";
import { type RedisServer, startRedis } from "../../support/redis.ts";
import {
  type CuttingProxy,
  command,
  eventually,
  expectWhole,
  openBook,
  refusal,
  startProxy,
  upsert,
} from "./support.ts";

describe("a Redis that goes away", () => {
  let server: RedisServer;
  let book: OpenedStore;

  beforeEach(async () => {
    server = await startRedis();
    book = await openBook(server.url);
  });
  afterEach(async () => {
    await book.close();
    await server.stop();
  });

  /** One call of every method, each of which must end by itself. */
  function everyCall(): Promise<unknown>[] {
    return [
      book.store.read({ keys: [] }),
      book.store.list({ kind: "applied_run", scope: "", limit: 5 }),
      book.store.findRun("r1"),
      book.store.commit(upsert("alpha", "r1")),
      book.store.listAudit({ worldId: "alpha", limit: 5 }),
      book.locks.acquire(["alpha"], { timeoutMs: 30_000 }),
      book.log.window(),
      book.log.readAfter(0, 10),
      book.log.hashAt(1),
      book.log.trimTo(0),
      book.log.waitAfter(0, new AbortController().signal),
    ];
  }

  const refuseAll = (calls: Promise<unknown>[]) =>
    Promise.all(calls.map((call) => refusal(call, "STORE_UNAVAILABLE")));

  it("refuses every call with STORE_UNAVAILABLE and a pause, and works again without a new client", async () => {
    await server.kill();
    for (const { retryAfterMs } of await refuseAll(everyCall())) expect(retryAfterMs).to.be.greaterThan(0);
    await server.restart();
    const outcome = await eventually(() => book.store.commit(upsert("alpha", "r1")));
    expect(outcome.kind).to.equal("committed");
    expect(await expectWhole(book, "alpha")).to.equal(1);
  });

  it("refuses every call in bounded time while Redis stands still, and works again when it goes on", async () => {
    await book.store.commit(upsert("alpha", "r0"));
    server.pause();
    await refuseAll(everyCall());
    server.resume();
    const outcome = await eventually(() => book.store.commit(upsert("alpha", "r1")));
    // The commit that was given up may have reached Redis before it stood still, or after.
    expect(outcome.kind).to.be.oneOf(["committed", "replayed"]);
    expect(await expectWhole(book, "alpha")).to.equal(2);
  });

  it("loses no acknowledged commit and doubles none when killed again and again under load", async () => {
    const acknowledged: string[] = [];
    let stopped = false;
    const caller = async (id: number) => {
      for (let turn = 0; !stopped; turn++) {
        const runId = `${id}-${turn}`;
        const outcome = await eventually(() => book.store.commit(upsert("alpha", runId)));
        expect(outcome.kind).to.be.oneOf(["committed", "replayed"]);
        acknowledged.push(runId);
      }
    };
    const callers = Array.from({ length: 8 }, (_, id) => caller(id));
    for (let kills = 0; kills < 5; kills++) {
      const before = acknowledged.length;
      await eventually(async () => expect(acknowledged.length).to.be.greaterThan(before + 50));
      await server.kill();
      await server.restart();
    }
    stopped = true;
    await Promise.all(callers);
    expect(await expectWhole(book, "alpha")).to.equal(acknowledged.length);
    for (const runId of acknowledged) expect(await book.store.findRun(runId), runId).to.not.equal(undefined);
  });

  it("runs its scripts although Redis forgot them", async () => {
    await book.store.commit(upsert("alpha", "r1"));
    await command(server.url, "SCRIPT", "FLUSH");
    const { lease } = await book.locks.acquire(["alpha"], { timeoutMs: 1_000 });
    expect((await book.store.commit({ ...upsert("alpha", "r2"), lease, release: true })).kind).to.equal(
      "committed",
    );
    expect(await expectWhole(book, "alpha")).to.equal(2);
  });

  it("does not open where Redis is not there", async () => {
    await server.kill();
    await refusal(openBook(server.url), "STORE_UNAVAILABLE");
    await server.restart();
  });

  it("answers STORE_UNAVAILABLE after it was closed, as often as it is closed", async () => {
    await book.close();
    await book.close();
    await refuseAll(everyCall());
  });

  it("refuses to go on with a book that was wiped behind its back, then starts the new history", async () => {
    await book.store.commit(upsert("alpha", "r1"));
    const { storeId } = await book.log.window();
    await command(server.url, "FLUSHALL");
    await refusal(book.store.commit(upsert("alpha", "r2")), "STORE_UNAVAILABLE");
    await eventually(() => book.store.commit(upsert("alpha", "r2")));
    expect(await expectWhole(book, "alpha")).to.equal(1);
    expect(book.store.info.storeId).to.not.equal(storeId);
    expect((await book.log.window()).storeId).to.equal(book.store.info.storeId);
  });
});

describe("a connection that breaks", () => {
  let server: RedisServer;
  let proxy: CuttingProxy;
  let book: OpenedStore;

  beforeEach(async () => {
    server = await startRedis();
    proxy = await startProxy(server.port);
    book = await openBook(proxy.url);
  });
  afterEach(async () => {
    await book.close();
    await proxy.close();
    await server.stop();
  });

  it("tells nothing wrong about a commit whose answer was cut off: the same claim finds it", async () => {
    proxy.cutNextReply();
    await refusal(book.store.commit(upsert("alpha", "r1")), "STORE_UNAVAILABLE");
    const repeated = await eventually(() => book.store.commit(upsert("alpha", "r1")));
    expect(repeated.kind).to.equal("replayed");
    expect(await expectWhole(book, "alpha")).to.equal(1);
  });

  it("never sends a commit without claim a second time", async () => {
    const { claim: _, ...unclaimed } = upsert("alpha", "r1");
    proxy.cutNextReply();
    await refusal(book.store.commit(unclaimed), "STORE_UNAVAILABLE");
    expect(await eventually(() => expectWhole(book, "alpha"))).to.equal(1);
  });

  it("frees locks that were taken by an acquisition whose answer was cut off, before they expire", async () => {
    await book.close();
    book = await openBook(proxy.url, { lockTtlMs: 60_000 });
    proxy.cutNextReply();
    await refusal(book.locks.acquire(["alpha"], { timeoutMs: 5_000 }), "STORE_UNAVAILABLE");
    const { lease } = await eventually(() => book.locks.acquire(["alpha"], { timeoutMs: 5_000 }));
    expect(lease.fences.get("alpha")).to.equal(2);
  });

  it("wakes who waits for commits, so that they can look for themselves", async () => {
    const signal = new AbortController().signal;
    const waiting = book.log.waitAfter(0, signal);
    await eventually(async () => expect(await command(server.url, "CLIENT", "LIST")).to.contain("cmd=xread"));
    proxy.refuse(true);
    await refusal(waiting, "STORE_UNAVAILABLE");
    expect(getEventListeners(signal, "abort")).to.deep.equal([]);
    proxy.refuse(false);
    await eventually(() => book.store.commit(upsert("alpha", "r1")));
    await eventually(() => book.log.waitAfter(0, signal));
  });

  it("keeps a lease over a short break", async () => {
    await book.close();
    book = await openBook(proxy.url, { lockTtlMs: 3_000 });
    const { lease } = await book.locks.acquire(["alpha"], { timeoutMs: 1_000 });
    proxy.refuse(true);
    proxy.refuse(false);
    const outcome = await eventually(() =>
      book.store.commit({ ...upsert("alpha", "r1"), lease, release: true }),
    );
    expect(outcome.kind).to.equal("committed");
    expect(lease.lost.aborted).to.equal(false);
  });
});
