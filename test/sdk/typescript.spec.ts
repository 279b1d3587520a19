import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { pino } from "pino";
import { StartPosition } from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { type FeedMessageV1, type FeedMessageV2, follow, negotiate } from "../../src/client/index.ts";
import { connectNode, type NodeConnection } from "../../src/client/node.ts";
import { connectWeb } from "../../src/client/web.ts";
import { compose, type Server } from "../../src/compose.ts";
import { readSettings } from "../../src/settings/read-settings.ts";
import { startServerProcess } from "../support/server-process.ts";

/** A server that keeps its book in a file and its port over restarts. */
async function start(folder: string, port: number): Promise<{ server: Server; port: number }> {
  const store = `sqlite:${join(folder, "book.db")}`;
  const flags = [`--store=${store}`, "--compat-rebalance-v2=true", "--drain-timeout=1s", "--admin-port=0"];
  const settings = readSettings({ argv: flags, env: {} });
  const server = await compose(settings, pino({ level: "silent" }));
  return { server, port: (await server.edge.listen("127.0.0.1", port)).port };
}

/** The run ids of allocation events in order of arrival, until `count` have come. */
async function runIds(feed: AsyncIterable<FeedMessageV1 | FeedMessageV2>, count: number): Promise<string[]> {
  const seen: string[] = [];
  for await (const message of feed) {
    if (message.case !== "batch") continue;
    for (const { payload } of message.value.events) {
      if (payload.case === "allocationUpdated") seen.push(payload.value.allocation?.runId ?? "");
    }
    if (seen.length >= count) break;
  }
  return seen;
}

describe("the TypeScript client", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "worldservice-sdk-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const upsert = ({ clients }: NodeConnection, runId: string, share: number) =>
    clients.v2.allocations.upsertAllocations({ runId, totalEquity: 1, worldAllocations: { alpha: share } });

  it("follows both versions of the feed over restarts of the server, each event once", async () => {
    let running = await start(folder, 0);
    const { port } = running;
    const connection = connectNode(`127.0.0.1:${port}`);
    const { v1, v2 } = connection.clients;
    const interruptions: number[] = [];
    const options = {
      start: StartPosition.EARLIEST,
      backoff: { baseMs: 20, maxMs: 100 },
      onInterruption: () => interruptions.push(1),
    };
    const readers = [runIds(follow(v1.controlBus, options), 6), runIds(follow(v2.controlBus, options), 6)];

    for (let round = 0; round < 3; round++) {
      await upsert(connection, `r-${round}-a`, 0.1);
      await upsert(connection, `r-${round}-b`, 0.2);
      if (round === 2) break;
      await running.server.stop();
      running = await start(folder, port);
    }
    const all = ["r-0-a", "r-0-b", "r-1-a", "r-1-b", "r-2-a", "r-2-b"];
    expect(await Promise.all(readers)).to.deep.equal([all, all]);
    expect(interruptions.length).to.be.at.least(2);
    connection.close();
    await running.server.stop();
  });

  it("follows over servers that are killed, without a gap and without a repeat, whatever was on its way", async () => {
    const store = `--store=sqlite:${join(folder, "book.db")}`;
    const serve = (port: string) =>
      startServerProcess([store, "--compat-rebalance-v2=true", `--port=${port}`]);
    let running = await serve("0");
    const { host, port } = new URL(running.url);
    const connection = connectNode(host, { retry: { attempts: 1 } });
    const { v1, v2 } = connection.clients;
    const options = { start: StartPosition.EARLIEST, backoff: { baseMs: 20, maxMs: 100 } };
    const revisions: bigint[] = [];
    async function* noted(feed: AsyncIterable<FeedMessageV2>) {
      for await (const message of feed) {
        if (message.case === "batch") revisions.push(message.value.revision);
        yield message;
      }
    }
    const rounds = ["a", "b", "c"].map((round) => [1, 2, 3, 4].map((at) => `${round}-${at}`));
    const all = rounds.flat();
    const readers = [
      runIds(follow(v1.controlBus, options), all.length),
      runIds(noted(follow(v2.controlBus, options)), all.length),
    ];

    for (const [at, round] of rounds.entries()) {
      // The last of a round is on its way when the server dies: sent again with the same run id until it is answered.
      const last = round.at(-1) ?? "";
      for (const runId of round.slice(0, -1)) await upsert(connection, runId, 0.1);
      const onItsWay = upsert(connection, last, 0.2).catch(() => undefined);
      if (at < rounds.length - 1) {
        await running.kill();
        running = await serve(port);
      }
      await onItsWay;
      await upsert(connection, last, 0.2);
    }
    expect(await Promise.all(readers)).to.deep.equal([all, all]);
    expect(revisions).to.deep.equal(revisions.map((_revision, at) => BigInt(at + 1)));
    connection.close();
    await running.kill();
  }).timeout(60_000);

  it("ends at once when the signal aborts, with a server or without one", async () => {
    const { server, port } = await start(folder, 0);
    const connection = connectNode(`127.0.0.1:${port}`);
    const stop = new AbortController();
    const topics: string[] = [];
    for await (const message of follow(connection.clients.v2.controlBus, { signal: stop.signal })) {
      topics.push(message.case);
      stop.abort();
    }
    expect(topics).to.deep.equal(["topic"]);
    await server.stop();
    const later = new AbortController();
    const options = { signal: later.signal, onInterruption: () => later.abort() };
    for await (const message of follow(connection.clients.v2.controlBus, options)) expect.fail(message.case);
    connection.close();
  });

  for (const protocol of ["grpc-web", "connect"] as const) {
    it(`speaks ${protocol} over the fetch of Node.js too`, async () => {
      const { server, port } = await start(folder, 0);
      const { clients } = connectWeb(`http://127.0.0.1:${port}/`, { protocol });
      expect((await negotiate(clients)).version).to.equal(2);
      await server.stop();
    });
  }
});
