import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { mintRedisStoreId } from "../../../src/adapters/redis/index.ts";
import type { OpenedStore } from "../../../src/ports/opened-store.ts";
import { type RedisServer, startRedis } from "../../support/redis.ts";
import { command, expectWhole, openBook, upsert } from "./support.ts";

describe("backup and restore of a Redis book", () => {
  let original: RedisServer;
  let restored: RedisServer;
  let book: OpenedStore;

  beforeEach(async () => {
    original = await startRedis();
    restored = await startRedis();
    book = await openBook(original.url);
  });
  afterEach(async () => {
    await book.close();
    await original.stop();
    await restored.stop();
  });

  it("brings a copied data directory back whole, under a store id of its own", async () => {
    for (let i = 0; i < 20; i++) await book.store.commit(upsert("alpha", `r${i}`));
    await restored.kill();
    rmSync(join(restored.dir, "appendonlydir"), { recursive: true, force: true });
    cpSync(join(original.dir, "appendonlydir"), join(restored.dir, "appendonlydir"), { recursive: true });
    await book.store.commit(upsert("alpha", "after the copy"));
    const { storeId } = await book.log.window();

    await restored.restart();
    const minted = await mintRedisStoreId(restored.url, "main");
    const copy = await openBook(restored.url);
    try {
      expect(minted).to.not.equal(storeId);
      expect(copy.store.info.storeId).to.equal(minted);
      expect((await copy.log.window()).storeId).to.equal(minted);
      expect(await expectWhole(copy, "alpha")).to.equal(20);
      expect(await copy.log.hashAt(20)).to.equal(await book.log.hashAt(20));
      expect((await copy.store.commit(upsert("alpha", "r19"))).kind).to.equal("replayed");
      expect((await copy.store.commit(upsert("alpha", "after the copy"))).kind).to.equal("committed");
    } finally {
      await copy.close();
    }
  });

  it("mints nothing for a book that is not there", async () => {
    const text = await mintRedisStoreId(original.url, "other").catch((error: Error) => error.message);
    expect(text).to.contain('no book named "other"');
    expect(await command(original.url, "KEYS", "*other*")).to.deep.equal([]);
  });

  it("keeps every key of a book under one hash tag, whatever its name", async () => {
    const odd = await openBook(original.url, { book: "a}{b 한:*" });
    try {
      const { lease } = await odd.locks.acquire(["{x}", "y:z"], { timeoutMs: 1_000 });
      await odd.store.commit({ ...upsert("{x}", "}r{"), lease, release: true });
      const keys = (await command(original.url, "KEYS", "*")) as string[];
      const foreign = keys.filter((key) => !key.startsWith("ws:{a%7D%7Bb%20%ED%95%9C%3A*}:"));
      expect(foreign).to.deep.equal(["ws:{main}:meta"]);
      expect(await expectWhole(odd, "{x}")).to.equal(1);
    } finally {
      await odd.close();
    }
  });
});
