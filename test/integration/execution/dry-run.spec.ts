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

type PlannedEvent = Awaited<ReturnType<typeof plannedIn<FeedMessageV1 | FeedMessageV2>>>;

/** What both packages say about a planned event, side by side. */
function asPlanned({ $typeName, id, schemaVersion, payload }: PlannedEvent) {
  if (payload.case !== "rebalancingPlanned") return expect.fail(`it carries ${payload.case}`);
  const { value } = payload;
  return {
    package: $typeName,
    id,
    runId: value.runId,
    schemaVersion,
    intent: "rebalanceIntent" in value ? value.rebalanceIntent?.meta : undefined,
    winRatio: parseAlphaMetrics(value.alphaMetrics).perWorld.get("alpha")?.get("alpha_performance.win_ratio"),
    deltas: value.plan?.deltas.map(({ symbol, deltaQty }) => [symbol, deltaQty]),
  };
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

    const [v1, v2] = (await Promise.all([atV1, atV2])).map(asPlanned);
    stop.abort();
    expect(v1).to.deep.equal({
      ...v2,
      package: "worldservice.v1.Event",
      winRatio: undefined, // package v1 has empty alpha metrics
      intent: undefined,
    });
    expect(v2).to.deep.include({
      package: "worldservice.v2.Event",
      runId: "dry-run",
      schemaVersion: 2,
      intent: INTENT.meta,
      winRatio: 2 / 3,
      deltas: plan?.perWorld.alpha?.deltas.map(({ symbol, deltaQty }) => [symbol, deltaQty]),
    });
  });
});
