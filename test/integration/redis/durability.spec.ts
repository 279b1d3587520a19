import { expect } from "chai";
import type { RedisLog } from "../../../src/adapters/redis/link.ts";
import type { OpenedStore } from "../../../src/ports/opened-store.ts";
import { type RedisServer, startRedis } from "../../support/redis.ts";
import { command, eventually, expectWhole, openBook, refusal, upsert } from "./support.ts";

describe("what Redis must promise", () => {
  const servers: RedisServer[] = [];
  const books: OpenedStore[] = [];

  async function start(config: Record<string, string> = {}): Promise<RedisServer> {
    const server = await startRedis({ config });
    servers.push(server);
    return server;
  }

  async function open(...args: Parameters<typeof openBook>): Promise<OpenedStore> {
    const book = await openBook(...args);
    books.push(book);
    return book;
  }

  afterEach(async () => {
    await Promise.all(books.splice(0).map((book) => book.close()));
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  const message = (attempt: Promise<unknown>) =>
    attempt.then(
      () => "opened",
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );

  const WEAK: [config: Record<string, string>, advice: string][] = [
    [{ appendonly: "no" }, "appendonly is no: set it to yes"],
    [{ appendfsync: "everysec" }, "appendfsync is everysec: set it to always"],
    [{ "maxmemory-policy": "allkeys-lru" }, "maxmemory-policy is allkeys-lru: set it to noeviction"],
  ];
  for (const [config, advice] of WEAK) {
    it(`refuses a Redis with ${JSON.stringify(config)}, naming what to set`, async () => {
      const server = await start(config);
      expect(await message(open(server.url))).to.contain(advice);
    });

    it(`calls a Redis with ${JSON.stringify(config)} degraded where that is allowed`, async () => {
      const server = await start(config);
      const book = await open(server.url, { allowDegraded: true });
      expect(book.store.info.durability).to.equal("degraded");
      expect((await book.store.commit(upsert("alpha", "r1"))).kind).to.equal("committed");
    });
  }

  it("takes a Redis that keeps what it acknowledged", async () => {
    const server = await start();
    expect((await open(server.url, { allowDegraded: true })).store.info.durability).to.equal("fsync");
  });

  for (const [value, warned] of [
    ["yes", ["aof-load-truncated is yes: set it to no"]],
    ["no", []],
  ] as const) {
    it(`${warned.length ? "warns of" : "says nothing about"} aof-load-truncated ${value}, and takes the Redis`, async () => {
      const server = await start({ "aof-load-truncated": value });
      const advice: unknown[] = [];
      const log: RedisLog = (level, _, fields) => {
        if (level === "warn") advice.push(fields.advice);
      };
      const book = await open(server.url, { log });
      expect(book.store.info.durability).to.equal("fsync");
      expect(advice).to.deep.equal(warned);
    });
  }

  it("does not warn of a setting that this user may not read", async () => {
    const server = await start({ "aof-load-truncated": "yes" });
    await command(server.url, "ACL", "SETUSER", "limited", "on", ">secret", "~*", "+@all", "-config");
    const messages: Record<string, unknown>[] = [];
    const log: RedisLog = (_level, _message, fields) => void messages.push(fields);
    await open(server.url.replace("redis://", "redis://limited:secret@"), { allowDegraded: true, log });
    expect(messages).to.have.length(1);
    expect(messages[0]).to.have.property("problems");
  });

  it("refuses a Redis whose settings this user may not read, and says which permission is missing", async () => {
    const server = await start();
    await command(server.url, "ACL", "SETUSER", "limited", "on", ">secret", "~*", "+@all", "-config");
    const url = server.url.replace("redis://", "redis://limited:secret@");
    const text = await message(open(url));
    expect(text).to.contain("appendfsync cannot be read: allow this user CONFIG GET");
    expect(text).not.to.contain("appendonly is");
    const book = await open(url, { allowDegraded: true });
    expect((await book.store.commit(upsert("alpha", "r1"))).kind).to.equal("committed");
  });

  it("refuses a replica, which cannot take commits", async () => {
    const master = await start();
    const replica = await start({ replicaof: `127.0.0.1 ${master.port}` });
    await refusal(open(replica.url), "STORE_UNAVAILABLE");
  });

  it("refuses a book of a newer layout", async () => {
    const server = await start();
    await command(server.url, "HSET", "ws:{main}:meta", "schema", "2");
    expect(await message(open(server.url))).to.contain("schema version 2, this program knows up to 1");
  });

  it("turns a Redis without memory into STORE_UNAVAILABLE, with nothing half-done", async () => {
    const server = await start();
    const book = await open(server.url);
    await book.store.commit(upsert("alpha", "r1"));
    await command(server.url, "CONFIG", "SET", "maxmemory", "1");
    await refusal(book.store.commit(upsert("alpha", "r2")), "STORE_UNAVAILABLE");
    expect(await expectWhole(book, "alpha")).to.equal(1);
    await command(server.url, "CONFIG", "SET", "maxmemory", "0");
    expect((await book.store.commit(upsert("alpha", "r2"))).kind).to.equal("committed");
  });

  describe("with durability replicated", () => {
    let master: RedisServer;
    let replica: RedisServer;

    beforeEach(async () => {
      master = await start({ "repl-diskless-sync-delay": "0" });
      replica = await start({ replicaof: `127.0.0.1 ${master.port}` });
      await replicaOnline();
    });

    const replicaOnline = () =>
      eventually(async () => {
        expect(String(await command(master.url, "INFO", "replication"))).to.match(/state=online/);
      });

    const replicated = (replicationTimeoutMs = 300) =>
      open(master.url, { durability: "replicated", replicationTimeoutMs });

    it("answers when the replica has the commit", async () => {
      const book = await replicated(1_500); // answers as soon as the replica has, however busy the machine
      expect(book.store.info.durability).to.equal("replicated");
      expect((await book.store.commit(upsert("alpha", "r1"))).kind).to.equal("committed");
      expect(await command(replica.url, "HGET", "ws:{main}:meta", "revision")).to.equal("1");
    });

    it("says committed but unconfirmed without the replica, and confirms the replay once it is back", async () => {
      const book = await replicated();
      await replica.kill();
      const error = await refusal(book.store.commit(upsert("alpha", "r1")), "STORE_UNAVAILABLE");
      expect(error.message).to.contain("repeat the same run id");
      await refusal(book.store.commit(upsert("alpha", "r1")), "STORE_UNAVAILABLE");
      expect(await expectWhole(book, "alpha")).to.equal(1);
      await replica.restart();
      await replicaOnline();
      const outcome = await eventually(() => book.store.commit(upsert("alpha", "r1")));
      expect(outcome.kind).to.equal("replayed");
      expect(await command(replica.url, "HGET", "ws:{main}:meta", "revision")).to.equal("1");
    });

    it("reads and locks without waiting while a commit waits for replicas", async () => {
      const book = await replicated();
      await replica.kill();
      const commit = refusal(book.store.commit(upsert("alpha", "r1")), "STORE_UNAVAILABLE");
      let waiting = true;
      void commit.then(() => {
        waiting = false;
      });
      await book.locks.acquire(["beta"], { timeoutMs: 1_000, read: { keys: [] } });
      expect(waiting).to.equal(true);
      await commit;
    });
  });

  it("shows a failover that lost acknowledged commits: the number returns, the hash does not", async () => {
    const master = await start({ "repl-diskless-sync-delay": "0" });
    const replica = await start({ replicaof: `127.0.0.1 ${master.port}` });
    const before = await open(master.url);
    await eventually(async () => {
      expect(String(await command(master.url, "INFO", "replication"))).to.match(/state=online/);
    });
    await before.store.commit(upsert("alpha", "kept"));
    await eventually(async () => {
      expect(await command(replica.url, "HGET", "ws:{main}:meta", "revision")).to.equal("1");
    });
    await command(replica.url, "REPLICAOF", "127.0.0.1", "1"); // the link is cut
    const lost = await before.store.commit(upsert("alpha", "lost"));
    await master.kill();
    await command(replica.url, "REPLICAOF", "NO", "ONE");
    const after = await open(replica.url);
    expect(await after.store.findRun("lost")).to.equal(undefined);
    const reused = await after.store.commit(upsert("alpha", "other", "0.7"));
    if (lost.kind !== "committed" || reused.kind !== "committed") throw new Error("both must commit");
    expect(reused.revision).to.equal(lost.revision);
    expect(await after.log.hashAt(lost.revision)).to.not.equal(lost.hash);
    expect(await expectWhole(after, "alpha")).to.equal(2);
  });
});
