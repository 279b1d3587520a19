import type { DescMethodUnary, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { expect } from "chai";
import { AlphaMetricsService } from "#gen/worldservice/v1/alpha_metrics_service_pb.ts";
import { AuditService } from "#gen/worldservice/v1/audit_service_pb.ts";
import { WorldService } from "#gen/worldservice/v1/world_service_pb.ts";
import { AllocationService as AllocationV2 } from "#gen/worldservice/v2/allocation_service_pb.ts";
import type { DomainEvent } from "../../src/domain/events/types.ts";
import { fromStored } from "../../src/domain/stored-json.ts";
import { callJson, expectGolden, type Outcome } from "../support/golden.ts";
import { STANDING_CLOCK, startServer, type TestServer } from "../support/server.ts";
import { ALPHA_KNOWN, BETA_KNOWN, returnsOf } from "./alpha-requests.ts";

const { getMetricSpec, computeAlphaMetrics, recordReturns, getAlphaMetrics } = AlphaMetricsService.method;

describe("contract of AlphaMetricsService", () => {
  let open: TestServer;
  beforeEach(async () => {
    open = await startServer({ compat_rebalance_v2: true }, { clock: STANDING_CLOCK });
  });
  afterEach(() => open.stop());

  const call = (method: DescMethodUnary, request: JsonObject): Promise<Outcome> =>
    callJson(open.transport, method, request);
  const answer = async (method: DescMethodUnary, request: JsonObject): Promise<JsonValue> => {
    const outcome = await call(method, request);
    expect(outcome, JSON.stringify(outcome)).to.have.property("response");
    return (outcome as { response: JsonValue }).response;
  };
  const head = async () => (await open.server.opened.store.read({ keys: [] })).head.revision;
  const newestEvents = async (): Promise<DomainEvent[]> => {
    const entries = await open.server.opened.log.readAfter((await head()) - 1, 1);
    return (entries[0]?.events ?? []).map(({ body }) => fromStored<DomainEvent>(body));
  };

  it("gives the definition of every figure as recorded", async () => {
    expectGolden("v1/get-metric-spec", await answer(getMetricSpec, {}));
  });

  const COMPUTED: Record<string, JsonObject> = {
    returns: { series: { returns: { values: [0.01, -0.02, 0.03, 0.005] } } },
    equity: { series: { worldId: "w", strategyId: "s", equity: { values: [100, 101, 99, 104] } } },
    pnl: { series: { pnl: { values: [10, -20, 30], baseEquity: 1000 } } },
    rates: {
      series: { returns: { values: [0.01, -0.02, 0.03] } },
      riskFreeRate: 0.001,
      transactionCost: 0.002,
    },
    "one-point": { series: { worldId: "w", returns: { values: [0.01] } } },
    "one-level": { series: { equity: { values: [100] } } },
    constant: { series: { returns: { values: [0.1, 0.1, 0.1] } } },
    "never-loses": { series: { returns: { values: [0.1, 0.2] } } },
    "total-loss": { series: { returns: { values: [0.1, -1, 0.5] } } },
  };
  for (const [name, request] of Object.entries(COMPUTED)) {
    it(`computes ${name} as recorded`, async () => {
      expectGolden(`v1/compute-alpha-metrics.${name}`, await answer(computeAlphaMetrics, request));
    });
  }

  /** What both ComputeAlphaMetrics and RecordReturns refuse, without its world. */
  const WRONG: Record<string, JsonObject> = {
    "not-a-number": { returns: { values: [0.1, "NaN", 0.2] } },
    infinite: { returns: { values: [0.1, "Infinity"] } },
    "infinite-level": { equity: { values: [1, "-Infinity"] } },
    "level-of-zero": { equity: { values: [100, 0] } },
    currency: { returns: { values: [2e9] } },
    "no-values": { returns: { values: [] } },
    "no-series": {},
    "pnl-without-base": { pnl: { values: [1] } },
    "pnl-with-infinite-base": { pnl: { values: [1], baseEquity: "Infinity" } },
    "unordered-times": {
      returns: { values: [1, 2] },
      times: ["2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"],
    },
    "duplicate-times": {
      returns: { values: [1, 2] },
      times: ["2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z"],
    },
    "too-few-times": { returns: { values: [1, 2] }, times: ["2026-01-02T00:00:00Z"] },
  };
  for (const [name, series] of Object.entries(WRONG)) {
    it(`refuses ${name} with the path of the field, and stores nothing`, async () => {
      const computed = await call(computeAlphaMetrics, { series });
      expectGolden(`v1/compute-alpha-metrics.refuses-${name}`, computed);
      const good = returnsOf("alpha", "good", [0.1]);
      const recorded = await call(recordReturns, { series: [good, { ...series, worldId: "alpha" }] });
      expectGolden(`v1/record-returns.refuses-${name}`, recorded);
      for (const outcome of [computed, recorded]) expect(outcome).to.have.property("error");
      expect(await head()).to.equal(0);
    });
  }

  const REFUSED_RECORDS: Record<string, JsonObject> = {
    "no-world": { series: [returnsOf("", "s", [0.1])] },
    "one-level": { series: [{ worldId: "alpha", equity: { values: [100] } }] },
    "one-pair-twice": { series: [returnsOf("alpha", "s", [0.1]), returnsOf("alpha", "s", [0.2])] },
    "control-characters": { series: [returnsOf("alpha", "a\u0000b", [0.1])] },
    nothing: { series: [] },
  };
  for (const [name, request] of Object.entries(REFUSED_RECORDS)) {
    it(`refuses to record ${name}`, async () => {
      expectGolden(`v1/record-returns.refuses-${name}`, await call(recordReturns, request));
      expect(await head()).to.equal(0);
    });
  }

  it("refuses rates that are no ratios", async () => {
    const series = { returns: { values: [0.1, 0.2] } };
    const rates = { riskFreeRate: 2, transactionCost: 1.5 };
    expectGolden(
      "v1/compute-alpha-metrics.refuses-rates",
      await call(computeAlphaMetrics, { series, ...rates }),
    );
  });

  it("names a million gaps by the first five of them", async () => {
    const values = Array.from({ length: 1_000_000 }, () => "NaN");
    const outcome = await call(recordReturns, { series: [{ worldId: "alpha", returns: { values } }] });
    expect(outcome).to.have.nested.property("error.badRequest[0].fieldViolations").with.length(6);
    expect(await head()).to.equal(0);
  });

  it("takes a million values, keeps the latest and counts them all", async () => {
    const values = Array.from({ length: 1_000_000 }, (_, i) => (i % 4 === 0 ? -0.001 : 0.001));
    const series = [{ worldId: "alpha", strategyId: "long", returns: { values } }];
    expect(await answer(recordReturns, { series })).to.have.nested.property("series[0].points", 10_000);
    const { alphaMetrics } = (await answer(getAlphaMetrics, {})) as JsonObject;
    expect(alphaMetrics).to.have.nested.property(
      "perStrategy.long.worlds.alpha.metrics.alpha_performance\\.win_ratio",
      0.75,
    );
  });

  it("records series of several worlds in one commit, with an event and an audit line for each", async () => {
    const request = { series: [...ALPHA_KNOWN, ...BETA_KNOWN] };
    expectGolden("v1/record-returns.known", await answer(recordReturns, request));
    expect(await head()).to.equal(1);
    const events = await newestEvents();
    expect(events.map(({ type, worldId }) => [type, worldId])).to.deep.equal([
      ["ALPHA_METRICS_RECORDED", "alpha"],
      ["ALPHA_METRICS_RECORDED", "beta"],
    ]);
    const [alpha, beta] = events.flatMap((event) =>
      event.type === "ALPHA_METRICS_RECORDED" ? [event.payload.alphaMetrics] : [],
    );
    expect([...(alpha?.perWorld.keys() ?? [])]).to.deep.equal(["alpha"]);
    expect([...(alpha?.perStrategy.keys() ?? [])]).to.deep.equal(["carry", "trend"]);
    expect([...(beta?.perWorld.keys() ?? [])], "no own series, no own figures").to.deep.equal([]);
    expect([...(beta?.perStrategy.keys() ?? [])]).to.deep.equal(["trend", "value"]);
    for (const worldId of ["alpha", "beta"]) {
      const audit = await answer(AuditService.method.listAuditEntries, { worldId });
      expect(audit).to.have.nested.property("entries[0].action", "returns_recorded");
      expect(audit).to.have.nested.property(
        "entries[0].rpc",
        "worldservice.v1.AlphaMetricsService/RecordReturns",
      );
    }
  });

  it("commits nothing when the same is recorded again", async () => {
    const first = await answer(recordReturns, { series: ALPHA_KNOWN });
    expect(await answer(recordReturns, { series: ALPHA_KNOWN })).to.deep.equal(first);
    expect(await head()).to.equal(1);
  });

  it("merges by time, a new value for a known time replacing the old one", async () => {
    const times = (...days: number[]) => days.map((day) => `2026-01-0${day}T00:00:00Z`);
    const send = (values: number[], ...days: number[]) =>
      answer(recordReturns, { series: [{ worldId: "w", returns: { values }, times: times(...days) }] });
    await send([0.1, 0.3], 1, 3);
    await send([0.2], 2);
    const answered = await send([-0.1, 0.4], 3, 4);
    expect(answered).to.deep.equal({
      series: [
        { worldId: "w", points: 4, firstTime: "2026-01-01T00:00:00Z", lastTime: "2026-01-04T00:00:00Z" },
      ],
    });
    const expected = await answer(computeAlphaMetrics, {
      series: { returns: { values: [0.1, 0.2, -0.1, 0.4] } },
    });
    const { alphaMetrics } = (await answer(getAlphaMetrics, { worldIds: ["w"] })) as JsonObject;
    expect((alphaMetrics as { perWorld: JsonObject }).perWorld.w).to.deep.equal(
      (expected as JsonObject).alphaPerformance,
    );
  });

  it("gives every world and strategy with series, or the named ones with what is missing", async () => {
    await answer(recordReturns, { series: [...ALPHA_KNOWN, ...BETA_KNOWN] });
    expectGolden("v1/get-alpha-metrics.all", await answer(getAlphaMetrics, {}));
    const named = { worldIds: ["alpha", "unknown", "alpha"], strategyIds: ["carry", "unheard"] };
    expectGolden("v1/get-alpha-metrics.named", await answer(getAlphaMetrics, named));
  });

  it("puts a world without series together by its stored allocation", async () => {
    await answer(recordReturns, { series: BETA_KNOWN });
    await answer(AllocationV2.method.upsertAllocations, {
      runId: "run-1",
      totalEquity: 1000,
      worldAllocations: { beta: 0.4 },
      strategyAllocAfterTotal: { beta: { ratios: { trend: 0.4, value: 0 } } },
    });
    const { alphaMetrics } = (await answer(getAlphaMetrics, {})) as { alphaMetrics: JsonObject };
    const { perWorld, perStrategy } = alphaMetrics as Record<string, JsonObject>;
    expect(perStrategy).to.have.nested.property("trend.worlds.beta").that.deep.equals(perWorld?.beta);
    expect(perWorld).to.have.nested.property("beta.metrics.alpha_performance\\.win_ratio", 0.75);
  });

  it("refuses an answer that would be too large", async () => {
    const ids = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}${i}`);
    const outcome = await call(getAlphaMetrics, { worldIds: ids("w", 1000), strategyIds: ids("s", 1000) });
    expect(outcome).to.have.nested.property("error.errorInfo[0].reason", "MESSAGE_TOO_LARGE");
  });

  it("records nothing for a deleted world", async () => {
    await answer(WorldService.method.createWorld, { world: { worldId: "alpha", name: "A" } });
    await answer(WorldService.method.deleteWorld, { worldId: "alpha" });
    const before = await head();
    const outcome = await call(recordReturns, { series: [...BETA_KNOWN, ...ALPHA_KNOWN] });
    expect(outcome).to.have.nested.property("error.errorInfo[0].reason", "WORLD_NOT_FOUND");
    expect(await head()).to.equal(before);
  });

  it("keeps ids apart that objects confuse", async () => {
    const ids = ["10", "2", "__proto__", "constructor", "😀"];
    await answer(recordReturns, { series: ids.map((id, i) => returnsOf("__proto__", id, [i / 10, 0.1])) });
    const response = JSON.stringify(await answer(getAlphaMetrics, { worldIds: ["__proto__"] }));
    for (const id of ids) expect(response).to.include(`${JSON.stringify(id)}:{"worlds":{"__proto__"`);
  });
});
