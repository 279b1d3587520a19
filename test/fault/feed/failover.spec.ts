/** A Redis that comes back without its last acknowledged commits, as after a failover to a replica that lagged. */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { openRedisStore } from "../../../src/adapters/redis/index.ts";
import type { OpenedStore } from "../../../src/ports/opened-store.ts";
import { capture, lastCursor, revisions, type StreamCapture } from "../../support/feed-capture.ts";
import {
  commit,
  commitMany,
  decisions,
  type FeedServer,
  startFeedServer,
} from "../../support/feed-server.ts";
import { hasRedisServer, type RedisServer, startRedis } from "../../support/redis.ts";

const KEPT = 15;
const LOST = 5;

describe("a feed whose Redis lost acknowledged commits", function () {
  this.timeout(60_000);
  let redis: RedisServer;
  let opened: OpenedStore;
  let server: FeedServer;

  before(function () {
    if (!hasRedisServer()) this.skip();
  });

  beforeEach(async () => {
    redis = await startRedis();
    opened = await openRedisStore({
      url: redis.url,
      book: "main",
      lockTtlMs: 5_000,
      durability: "fsync",
      allowDegraded: false,
    });
    server = await startFeedServer({ opened, bookmarkIntervalMs: 500, limits: { checkIntervalMs: 100 } });
  });

  afterEach(async () => {
    await server.stop();
    await opened.close();
    await redis.stop();
  });

  /** Commits some, keeps a copy, commits more, and comes back with the copy. */
  async function loseCommits(between: () => Promise<void>): Promise<void> {
    const data = join(redis.dir, "appendonlydir");
    const copy = join(redis.dir, "copy");
    await commitMany(opened, KEPT, ["w1", "w2"]);
    cpSync(data, copy, { recursive: true });
    await commitMany(opened, LOST, ["w1", "w2"]);
    await between();
    await redis.kill();
    rmSync(data, { recursive: true });
    cpSync(copy, data, { recursive: true });
    await redis.restart();
  }

  async function commitAgain(count: number, tag: string): Promise<void> {
    for (let at = 0; at < count; ) {
      await commit(opened, decisions("w1", `${tag}-${at}`)).then(
        () => at++,
        () => new Promise((resolve) => setTimeout(resolve, 50)), // until the connection is back
      );
    }
  }

  for (const name of ["gRPC", "gRPC-Web"] as const) {
    // The new history is shorter than the old one, as long, or longer.
    for (const after of [1, LOST, LOST + 3]) {
      it(`tells live subscribers and those who resume, ${after} commits later (${name})`, async () => {
        const transport =
          name === "gRPC"
            ? createGrpcTransport({ baseUrl: server.url })
            : createGrpcWebTransport({ baseUrl: server.url, httpVersion: "2" });
        let live: Promise<StreamCapture> | undefined;
        await commitAgain(1, "first");
        await loseCommits(async () => {
          const ready = Promise.withResolvers<void>();
          live = capture(transport, "v2", { start: 2 }, (seen) => {
            if (seen.kind === "bookmark" && seen.revision === 1 + KEPT + LOST) ready.resolve();
            return false;
          });
          await ready.promise;
        });
        await commitAgain(after, "again");
        const found = await live;
        expect(found?.end).to.include({ code: "DataLoss", reason: "CURSOR_DIVERGED" });
        const cursor = found === undefined ? "" : lastCursor(found);
        const resumed = await capture(transport, "v2", { afterCursor: cursor });
        expect(resumed.end).to.include({ code: "DataLoss", reason: "CURSOR_DIVERGED" });
        expect(resumed.seen).to.deep.equal([]);
        const whole = await capture(transport, "v2", { start: 2 }, (seen) => seen.kind === "bookmark");
        expect(revisions(whole)).to.have.length(1 + KEPT + after);
      });
    }
  }

  it("goes on without a word over a restart that loses nothing", async () => {
    const transport = createGrpcTransport({ baseUrl: server.url });
    await commitAgain(3, "before");
    const ready = Promise.withResolvers<void>();
    const live = capture(transport, "v2", { start: 2 }, (seen) => {
      if (seen.kind === "bookmark") ready.resolve();
      return seen.kind === "batch" && seen.revision === 6;
    });
    await ready.promise;
    await redis.kill();
    await redis.restart();
    await commitAgain(3, "after");
    const found = await live;
    expect(found.end?.code).to.equal("stopped");
    expect(revisions(found)).to.deep.equal([1, 2, 3, 4, 5, 6]);
  });

  it("sends subscribers elsewhere when the store stays away", async () => {
    const impatient = await startFeedServer({
      opened,
      limits: { storePatienceMs: 200, checkIntervalMs: 50 },
    });
    const transport = createGrpcTransport({ baseUrl: impatient.url });
    await commitAgain(2, "before");
    const found = await capture(transport, "v2", { start: 2 }, (seen) => {
      if (seen.kind === "bookmark") void redis.kill();
      return false;
    });
    expect(found.end).to.include({ code: "Unavailable", reason: "STORE_UNAVAILABLE" });
    await redis.restart();
    await commitAgain(1, "after");
    const cursor = found.end?.metadata.cursor ?? "";
    const rest = await capture(transport, "v2", { afterCursor: cursor }, (seen) => seen.kind === "batch");
    expect(revisions(rest)).to.deep.equal([3]);
    await impatient.stop();
  });
});
