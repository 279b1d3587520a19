/** A client of the first release's package v1 works unchanged, whatever the gates say (S32). */
import type { JsonObject } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { expect } from "chai";
import { STANDING_CLOCK, startServer, type TestServer } from "../../support/server.ts";
import { type OldClient, openOldClient } from "./client.ts";

const REBALANCE = {
  total_equity: 1_000_000,
  world_alloc_before: { alpha: 0.5, beta: 0.2 },
  world_alloc_after: { alpha: 0.4, beta: 0.3 },
  positions: [
    { world_id: "alpha", strategy_id: "trend", symbol: "XLK", qty: 1000, mark: 280 },
    { world_id: "beta", strategy_id: "carry", symbol: "BTCUSDT", venue: "binance", qty: -2, mark: 60_000 },
  ],
  min_trade_notional: 10,
  lot_size_by_symbol: { XLK: 1, BTCUSDT: 0.1 },
};
const UPSERT = {
  run_id: "old-upsert",
  total_equity: REBALANCE.total_equity,
  world_allocations: REBALANCE.world_alloc_after,
  positions: REBALANCE.positions,
};

/** Every call that such a client makes, in its order. */
const CALLS: readonly (readonly [method: string, request: JsonObject])[] = [
  ["RebalanceService/PlanRebalance", { rebalance: REBALANCE }],
  ["RebalanceService/PlanRebalance", { rebalance: { ...REBALANCE, schema_version: 1 } }],
  ["RebalanceService/ApplyRebalance", { run_id: "old-apply", rebalance: REBALANCE }],
  ["RebalanceService/ApplyRebalance", { run_id: "old-apply", rebalance: REBALANCE }],
  ["RebalanceService/ExecuteRebalance", { rebalance: REBALANCE, per_strategy: true }],
  ["AllocationService/UpsertAllocations", UPSERT],
  ["AllocationService/UpsertAllocations", UPSERT],
  ["RebalanceService/GetRebalanceRun", { run_id: "old-apply" }],
  ["RebalanceService/ListRebalanceRuns", { page_size: 10 }],
  ["AllocationService/GetAllocations", {}],
  ["AllocationService/GetAllocationRun", { run_id: "old-upsert" }],
  [
    "ActivationService/UpsertActivation",
    {
      world_id: "alpha",
      strategy_id: "trend",
      side: "ACTIVATION_SIDE_LONG",
      active: true,
      run_id: "old-entry",
    },
  ],
  ["ActivationService/FreezeWorld", { world_id: "alpha", run_id: "old-freeze", reason: "test" }],
  ["ActivationService/UnfreezeWorld", { world_id: "alpha", run_id: "old-unfreeze", reason: "test" }],
  ["ActivationService/ListActivations", { world_id: "alpha" }],
  ["AlphaMetricsService/GetMetricSpec", {}],
  ["WorldService/CreateWorld", { world: { world_id: "gamma", name: "Gamma" } }],
  ["WorldService/ListWorlds", {}],
  ["AuditService/ListAuditEntries", { world_id: "alpha" }],
];
const WRITES_OF_A_REBALANCE = CALLS.filter(([method]) =>
  /(Plan|Apply|Execute)Rebalance$|UpsertAllocations/.test(method),
);

/** What the execution tells about the deployment itself. */
const GATE_FIELDS: ReadonlySet<string> = new Set([
  "compat_rebalance_v2",
  "rebalance_schema_version",
  "alpha_metrics_capable",
]);

/** An answer without what belongs to the deployment or to this one book's history. */
function ownPart(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ownPart);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => !GATE_FIELDS.has(name) && !/cursor|token/.test(name));
  return Object.fromEntries(kept.map(([name, inner]) => [name, ownPart(inner)]));
}

/** All events of the book so far: the first bookmark comes once there are no more. */
async function eventsOf(client: OldClient): Promise<readonly JsonObject[]> {
  const stream = client.subscribe({ start: "START_POSITION_EARLIEST" });
  // Cancelling it is how it ends.
  stream.on("error", () => {});
  const events: JsonObject[] = [];
  let topic: JsonObject | undefined;
  for await (const message of stream as AsyncIterable<JsonObject>) {
    topic ??= message.topic as JsonObject | undefined;
    const batch = message.batch as { events: readonly JsonObject[] } | null | undefined;
    events.push(...(batch?.events ?? []));
    if (message.bookmark !== undefined) break;
  }
  stream.cancel();
  expect(topic, "the first message").to.have.property("topic", "worldservice.main");
  return events;
}

async function withServer<T>(
  gates: Readonly<Record<string, boolean>>,
  use: (client: OldClient) => Promise<T>,
) {
  const server: TestServer = await startServer(gates, { clock: STANDING_CLOCK });
  const client = openOldClient(server.port);
  try {
    return await use(client);
  } finally {
    client.close();
    await server.stop();
  }
}

async function everything(client: OldClient): Promise<{ answers: unknown[]; events: unknown[] }> {
  const answers: unknown[] = [];
  for (const [method, request] of CALLS) answers.push([method, ownPart(await client.call(method, request))]);
  const events = await eventsOf(client);
  return { answers, events: events.map(ownPart) };
}

describe("a client of the first release's package v1", () => {
  it("plans, applies, allocates, reads and follows with the gates off", async () => {
    const { answers, events } = await withServer({}, everything);
    expect(answers[0]).to.have.nested.property("[1].plan.schema_version", 1);
    expect(answers[0]).to.have.nested.property("[1].plan.per_world.alpha.deltas[0].delta_qty", -200);
    expect(answers[3]).to.have.nested.property("[1].replayed", true);
    expect(events.map((event) => (event as JsonObject).type)).to.include.members([
      "EVENT_TYPE_REBALANCING_PLANNED",
      "EVENT_TYPE_ALLOCATION_UPDATED",
      "EVENT_TYPE_ACTIVATION_UPDATED",
    ]);
  });

  it("gets the very same answers and events with compat_rebalance_v2 on", async () => {
    const before = await withServer({}, everything);
    const after = await withServer({ compat_rebalance_v2: true }, everything);
    expect(after).to.deep.equal(before);
  });

  it("is refused with SCHEMA_VERSION_TOO_LOW where alpha metrics are required, and still reads and follows", async () => {
    await withServer({ compat_rebalance_v2: true, alpha_metrics_required: true }, async (client) => {
      for (const [method, request] of WRITES_OF_A_REBALANCE) {
        const error = await client.call(method, request).then(
          () => expect.fail(`${method} was answered`),
          (refusal: { code: number; metadata: { get(name: string): unknown[] } }) => refusal,
        );
        expect(error.code, method).to.equal(status.FAILED_PRECONDITION);
        expect(String(error.metadata.get("grpc-status-details-bin")[0])).to.contain("SCHEMA_VERSION_TOO_LOW");
      }
      await client.call("WorldService/CreateWorld", { world: { world_id: "gamma" } });
      expect(await client.call("AllocationService/GetAllocations", {})).to.deep.equal({ allocations: {} });
      expect(await eventsOf(client)).to.have.length.at.least(1);
    });
  });
});
