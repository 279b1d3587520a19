import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { expect } from "chai";
import { ActivationService } from "#gen/worldservice/v1/activation_service_pb.ts";
import { ExecutionService } from "#gen/worldservice/v1/execution_service_pb.ts";
import { ExecutionDomain, WorldService } from "#gen/worldservice/v1/world_service_pb.ts";
import { type Gateway, startGateway } from "../../../examples/gateway/gateway.ts";
import { showOrder } from "../../../examples/gateway/order-desk.ts";
import { BOOK, OVERLAY } from "../../contract/requests.ts";
import { startServer, type TestServer } from "../../support/server.ts";

const PRICE = 123;

interface Joined {
  readonly gateway: Gateway;
  readonly service: TestServer;
  readonly api: string;
}

async function join(flags: Readonly<Record<string, boolean>> = {}): Promise<Joined> {
  const gateway = await startGateway("gateway", () => PRICE);
  const service = await startServer({ executor: `grpc:${gateway.executorAddress}`, ...flags });
  const api = await gateway.connect(`127.0.0.1:${service.port}`);
  return { gateway, service, api };
}

async function part({ gateway, service }: Joined): Promise<void> {
  await gateway.close();
  await service.stop();
}

async function get(url: string): Promise<JsonObject> {
  return (await (await fetch(url)).json()) as JsonObject;
}

async function post(
  url: string,
  body: JsonObject,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: JsonObject }> {
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body), headers });
  return { status: response.status, body: (await response.json()) as JsonObject };
}

/** Waits until the Gateway's health shows what is looked for. */
async function healthWhere(api: string, holds: (health: JsonObject) => boolean): Promise<JsonObject> {
  for (let tries = 0; ; tries++) {
    const health = await get(`${api}/health`);
    if (holds(health) || tries > 200) return health;
    await sleep(20);
  }
}

const feedOf = (health: JsonObject) =>
  health.feed as { events: Record<string, number>; acknowledged: number };

describe("the reference Gateway in front of a service with schema version 2", () => {
  let joined: Joined;
  before(async () => {
    joined = await join({ compat_rebalance_v2: true });
  });
  after(() => part(joined));

  it("shows the negotiated version and the flags in its health, and the feed says the same (S14, S15)", async () => {
    const health = await healthWhere(joined.api, ({ feed }) => (feed as JsonObject).connected === true);
    expect(health).to.deep.include({
      status: "ok",
      rebalance_schema_version: 2,
      alpha_metrics_capable: true,
      compat_rebalance_v2: true,
      alpha_metrics_required: false,
    });
    expect(health.feed).to.deep.include({ connected: true, compat_rebalance_v2: true });
  });

  it("plans and executes in the version it negotiated, and is the executor of what it asked for (S1, S31)", async () => {
    const { gateway, service, api } = joined;
    const planned = await post(`${api}/rebalancing/plan`, BOOK);
    expect((planned.body.plan as JsonObject).schemaVersion).to.equal(2);
    const executed = await post(`${api}/rebalancing/execute?submit=true&per_strategy=true&run_id=r-1`, BOOK);
    expect(executed.body).to.deep.include({
      submitted: true,
      schemaVersion: 2,
      executionStatus: "EXECUTION_STATUS_DONE",
    });
    const placed = gateway.desk.orders().map(({ order }) => showOrder(order));
    expect(placed).to.deep.equal(["SELL 0.75 BTCUSDT", "BUY 10 ETHUSDT", "BUY 1 BTCUSDT", "BUY 150 GLD"]);
    const { execution } = await createClient(ExecutionService, service.transport).getExecution({
      runId: "r-1",
    });
    expect(execution?.legs.map(({ fills }) => fills[0]?.price)).to.deep.equal([PRICE, PRICE, PRICE, PRICE]);
    const again = await post(`${api}/rebalancing/execute?submit=true&per_strategy=true&run_id=r-1`, BOOK);
    expect(again).to.deep.equal(executed);
    expect(gateway.desk.orders(), "nothing was placed twice").to.have.lengthOf(4);
    const health = await healthWhere(api, (each) => (feedOf(each).events.EXECUTION_STATE_CHANGED ?? 0) >= 6);
    expect(feedOf(health).events.EXECUTION_STATE_CHANGED, "three steps in two worlds").to.equal(6);
  });

  it("executes overlays", async () => {
    const { status, body } = await post(`${joined.api}/rebalancing/execute`, { ...BOOK, overlay: OVERLAY });
    expect([status, (body.overlayDeltas as unknown[]).length]).to.deep.equal([200, 2]);
  });

  it("acknowledges a freeze that waits for it, so that the world can be unfrozen", async () => {
    const { service, api } = joined;
    const worlds = createClient(WorldService, service.transport);
    const activation = createClient(ActivationService, service.transport);
    await worlds.createWorld({ world: { worldId: "guarded", ackRoster: ["gateway"] } });
    await activation.upsertActivation({
      worldId: "guarded",
      strategyId: "s",
      side: 1,
      active: true,
      runId: "a-1",
    });
    await activation.freezeWorld({ worldId: "guarded", runId: "f-1", reason: "test" });
    await healthWhere(api, (health) => feedOf(health).acknowledged > 0);
    await activation.unfreezeWorld({ worldId: "guarded", runId: "u-1", reason: "test" });
    const { frozen } = await activation.listActivations({ worldId: "guarded" });
    expect(frozen).to.equal(false);
  });

  it("passes on what the service refuses, with its reason", async () => {
    const { api } = joined;
    const nonsense = await post(`${api}/rebalancing/plan`, { ...BOOK, totalEquity: -1 });
    expect([nonsense.status, nonsense.body.reason]).to.deep.equal([400, "INVALID_FIELD"]);
    const shared = await post(`${api}/rebalancing/execute?shared_account=true`, BOOK);
    expect([shared.status, shared.body.reason]).to.deep.equal([422, "SHARED_ACCOUNT_DISABLED"]);
    const reused = await post(`${api}/rebalancing/execute?submit=true&run_id=r-1`, BOOK);
    expect([reused.status, reused.body.reason]).to.deep.equal([409, "RUN_ID_REUSED"]);
  });

  it("sends live orders only with the header that means it", async () => {
    const { service, api } = joined;
    const world = { worldId: "real", executionDomain: ExecutionDomain.LIVE, allowLive: true };
    await createClient(WorldService, service.transport).createWorld({ world });
    const rebalance: JsonObject = {
      totalEquity: 1_000,
      worldAllocBefore: { real: 0.5 },
      worldAllocAfter: { real: 0 },
      positions: [{ worldId: "real", strategyId: "s", symbol: "X", qty: 1, mark: 10 }],
    };
    const url = `${api}/rebalancing/execute?submit=true&run_id=live-1`;
    const without = await post(url, rebalance);
    expect([without.status, without.body.reason]).to.deep.equal([422, "LIVE_NOT_ALLOWED"]);
    const meant = await post(url, rebalance, { "x-allow-live": "true" });
    expect([meant.status, meant.body.submitted]).to.deep.equal([200, true]);
  });
});

describe("the reference Gateway in front of a service with schema version 1", () => {
  it("speaks version 1 and says so", async () => {
    const joined = await join();
    const health = await get(`${joined.api}/health`);
    expect(health).to.deep.include({ rebalance_schema_version: 1, alpha_metrics_capable: false });
    const executed = await post(`${joined.api}/rebalancing/execute?submit=true&run_id=r-1`, BOOK);
    expect(executed.body).to.deep.include({ submitted: true, schemaVersion: 1 });
    await part(joined);
  });

  it("counts every event once, and tells when the service is gone", async () => {
    const joined = await join();
    await post(`${joined.api}/rebalancing/execute?submit=true&run_id=r-1`, BOOK);
    const seen = await healthWhere(
      joined.api,
      (each) => (feedOf(each).events.EXECUTION_STATE_CHANGED ?? 0) >= 6,
    );
    expect(feedOf(seen).events.EXECUTION_STATE_CHANGED).to.equal(6);
    await joined.service.stop();
    const down = await fetch(`${joined.api}/health`);
    expect(down.status).to.equal(503);
    await joined.gateway.close();
  });
});
