import { expect } from "chai";
import { createClient } from "redis";
import { type Packable, pack } from "../../../src/adapters/redis/message-pack.ts";
import type { OpenedStore } from "../../../src/ports/opened-store.ts";
import type { DocKey } from "../../../src/ports/store.ts";
import { type RedisServer, redisUrl, startRedis } from "../../support/redis.ts";
import { expectWhole, openBook, upsert } from "./support.ts";

describe("packed arguments", () => {
  const VALUES: [name: string, value: Packable][] = [
    ["nothing", []],
    ["whole numbers at the edges of their forms", [0, 1, 127, 128, 255, 256, 65_535, 65_536, 4_294_967_295]],
    ["empty and short texts", ["", "a", "\0", "\r\n", "$5\r\n", "é", "한국", "😀"]],
    [
      "a text of 64 KiB and its neighbours",
      [65_535, 65_536, 65_537, 21_845, 21_846].map((n) => "x".repeat(n)),
    ],
    ["a long text of wide characters", "😀한é".repeat(50_000)],
    ["many items", Array.from({ length: 70_000 }, (_, i) => String(i))],
    ["lists in lists", [["a", [1, ["b"]], []], "c", [[[]]]]],
  ];
  for (const [name, value] of VALUES) {
    it(`arrive in a script as they were sent: ${name}`, async () => {
      const client = createClient({ url: redisUrl() });
      await client.connect();
      try {
        const script = "return cmsgpack.unpack(ARGV[1])";
        expect(await client.sendCommand(["EVAL", script, "0", pack(value)])).to.deep.equal(value);
      } finally {
        client.destroy();
      }
    });
  }
});

describe("large commits on Redis", () => {
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

  it("writes and deletes more documents in one commit than one command takes arguments", async () => {
    const keys = Array.from(
      { length: 9_001 },
      (_, i): DocKey => ({ kind: "policy", scope: "", id: `p${i}` }),
    );
    await book.store.commit({ ...upsert("alpha", "r1"), puts: keys.map((key) => ({ key, body: key.id })) });
    const { docs } = await book.store.read({ keys });
    expect(docs.map((doc) => doc?.body)).to.deep.equal(keys.map(({ id }) => id));
    const all = { kind: "policy", scope: "", limit: 10_000 } as const;
    expect(await book.store.list(all)).to.have.lengthOf(9_001);
    await book.store.commit({ deletes: keys.slice(1) });
    expect((await book.store.list(all)).map(({ key }) => key.id)).to.deep.equal(["p0"]);
    expect(await expectWhole(book, "alpha")).to.equal(2);
  });

  it("carries bodies of megabytes beside small commits of the same turn", async () => {
    const body = "한".repeat(1_000_000);
    const key: DocKey = { kind: "run", scope: "", id: "big" };
    const big = book.store.commit({ claim: { runId: "big", fingerprint: "f" }, puts: [{ key, body }] });
    const small = Array.from({ length: 100 }, (_, i) => book.store.commit(upsert("alpha", `r${i}`)));
    const kinds = (await Promise.all([big, ...small])).map(({ kind }) => kind);
    expect(new Set(kinds)).to.deep.equal(new Set(["committed"]));
    expect((await book.store.findRun("big"))?.run.body).to.equal(body);
    const { log } = book;
    expect((await log.window()).head.revision).to.equal(101);
  });
});
