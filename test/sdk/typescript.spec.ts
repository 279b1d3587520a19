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

  for (const protocol of ["grpc-web", "connect"] as const) {
    it(`speaks ${protocol} over the fetch of Node.js too`, async () => {
      const { server, port } = await start(folder, 0);
      const { clients } = connectWeb(`http://127.0.0.1:${port}/`, { protocol });
      expect((await negotiate(clients)).version).to.equal(2);
      await server.stop();
    });
  }
});
