/**
 * The dry run of the whole chain, through the reference Gateway: what the deployment says it can do, a call of the SDK,
 * a plan of schema version 2, and its event at a subscriber of each package.
 */
import type { JsonObject } from "@bufbuild/protobuf";
import { expect } from "chai";
import { type Gateway, startGateway } from "../../../examples/gateway/gateway.ts";
import {
  type FeedMessageV1,
  type FeedMessageV2,
  follow,
  negotiate,
  parseAlphaMetrics,
} from "../../../src/client/index.ts";
import { connectNode, type NodeConnection } from "../../../src/client/node.ts";
import { BOOK } from "../../contract/requests.ts";
import { startServer, type TestServer } from "../../support/server.ts";

const INTENT = { meta: { approved_by: "committee", ticket: "R-17" } };
const SERIES = {
  worldId: "alpha",
  series: { case: "returns" as const, value: { values: [0.01, -0.02, 0.03] } },
};

/** The planned event of one world. */
async function plannedIn<M extends FeedMessageV1 | FeedMessageV2>(feed: AsyncIterable<M>, worldId: string) {
  for await (const message of feed) {
    if (message.case !== "batch") continue;
    const events: readonly Extract<M, { case: "batch" }>["value"]["events"][number][] = message.value.events;
    const found = events.find(
      (event) => event.worldId === worldId && event.payload.case === "rebalancingPlanned",
    );
    if (found !== undefined) return found;
  }
  return expect.fail("the feed ended");
}

describe("the dry run, from capabilities to both feeds", () => {
  let gateway: Gateway;
  let service: TestServer;
  let api: string;
  let connection: NodeConnection;

  before(async () => {
    gateway = await startGateway("gateway", () => 1);
    service = await startServer({
      executor: `grpc:${gateway.executorAddress}`,
      compat_rebalance_v2: true,
      alpha_metrics_required: true,
    });
    api = await gateway.connect(`127.0.0.1:${service.port}`);
    connection = connectNode(`127.0.0.1:${service.port}`);
  });
  after(async () => {
    connection.close();
    await gateway.close();
    await service.stop();
  });

  it("is whole: health, SDK call, plan of schema version 2, one event in each package", async () => {
    const health = (await (await fetch(`${api}/health`)).json()) as JsonObject;
    expect(health).to.include({
      status: "ok",
      rebalance_schema_version: 2,
      alpha_metrics_capable: true,
      compat_rebalance_v2: true,
      alpha_metrics_required: true,
    });

    const { clients } = connection;
    const spoken = await negotiate(clients);
    if (spoken.version !== 2) return expect.fail(`fell back: ${spoken.fallback}`);
    expect(spoken.capabilities).to.include({ rebalanceSchemaVersion: 2, alphaMetricsRequired: true });

    const stop = new AbortController();
    const topics = new Set<string>();
    const opened = Promise.withResolvers<void>();
    async function* noted<M extends FeedMessageV1 | FeedMessageV2>(feed: AsyncIterable<M>) {
      for await (const message of feed) {
        if (message.case === "topic" && topics.add(message.value.$typeName).size === 2) opened.resolve();
        yield message;
      }
    }
    const options = { signal: stop.signal };
    const atV1 = plannedIn(noted(follow(clients.v1.controlBus, options)), "alpha");
    const atV2 = plannedIn(noted(follow(clients.v2.controlBus, options)), "alpha");
    await opened.promise;

    await clients.alphaMetrics.recordReturns({ series: [SERIES] });
    const response = await fetch(`${api}/rebalancing/plan`, { method: "POST", body: JSON.stringify(BOOK) });
    const throughGateway = (await response.json()) as { plan: JsonObject };
    expect(throughGateway.plan).to.include({ schemaVersion: 2 });
    const { plan, replayed } = await spoken.rebalance.applyRebalance({
      runId: "dry-run",
      rebalance: { ...(BOOK as object), schemaVersion: 2, rebalanceIntent: INTENT },
    });
    expect({ replayed, version: plan?.schemaVersion, downgraded: plan?.downgraded }).to.deep.equal({
      replayed: false,
      version: 2,
      downgraded: false,
    });

    const [v1, v2] = await Promise.all([atV1, atV2]);
    stop.abort();
    if (v1.payload.case !== "rebalancingPlanned" || v2.payload.case !== "rebalancingPlanned") {
      return expect.fail("no planned event");
    }
    expect(v1.$typeName).to.equal("worldservice.v1.Event");
    expect(v2.$typeName).to.equal("worldservice.v2.Event");
    expect(v1.id).to.equal(v2.id);
    expect([v1.payload.value.runId, v2.payload.value.runId]).to.deep.equal(["dry-run", "dry-run"]);
    expect(v2.schemaVersion).to.equal(2);
    expect(v2.payload.value.rebalanceIntent).to.deep.include(INTENT);
    const [inV1, inV2] = [v1, v2].map(({ payload }) =>
      parseAlphaMetrics((payload.value as { alphaMetrics?: unknown }).alphaMetrics),
    );
    expect(inV1?.perWorld.size, "package v1 has empty alpha metrics").to.equal(0);
    expect(inV2?.perWorld.get("alpha")?.get("alpha_performance.win_ratio")).to.be.closeTo(2 / 3, 1e-12);
    const deltas = (world: {
      plan?: { deltas: readonly { symbol: string; deltaQty: number }[] } | undefined;
    }) => world.plan?.deltas.map(({ symbol, deltaQty }) => [symbol, deltaQty]);
    expect(deltas(v1.payload.value)).to.deep.equal(deltas(v2.payload.value));
    expect(deltas(v2.payload.value)).to.deep.equal(
      plan?.perWorld.alpha?.deltas.map(({ symbol, deltaQty }) => [symbol, deltaQty]),
    );
  });
});
