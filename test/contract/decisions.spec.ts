import type { DescMethodUnary, JsonObject } from "@bufbuild/protobuf";
import { expect } from "chai";
import { ActivationService } from "#gen/worldservice/v1/activation_service_pb.ts";
import { DecisionService } from "#gen/worldservice/v1/decision_service_pb.ts";
import { PolicyService } from "#gen/worldservice/v1/policy_service_pb.ts";
import { WorldService } from "#gen/worldservice/v1/world_service_pb.ts";
import { alphaResult } from "../../src/domain/alpha/alpha-performance.ts";
import { callJson, expectGolden, type Outcome } from "../support/golden.ts";
import { STANDING_CLOCK, startServer, type TestServer } from "../support/server.ts";

const { evaluate, decide, recordHistory, setDecisions, setBindings } = DecisionService.method;

const METRICS: JsonObject = {
  good: { values: { sharpe: 2, max_drawdown: -0.1, win_rate: 0.6, profit_factor: 2, n_trades_total: 50 } },
  fair: { values: { sharpe: 1, max_drawdown: -0.2, win_rate: 0.55, profit_factor: 1.5 } },
  poor: { values: { sharpe: 0.1, max_drawdown: -0.5, win_rate: 0.4, profit_factor: 0.8 } },
  blank: { values: {} },
};

const twin = { strategyA: "good", strategyB: "fair", rho: 0.99 };

describe("contract of DecisionService", () => {
  let open: TestServer;
  let nowMs = STANDING_CLOCK.now();
  beforeEach(async () => {
    nowMs = STANDING_CLOCK.now();
    open = await startServer({}, { clock: { ...STANDING_CLOCK, now: () => nowMs } });
  });
  afterEach(() => open.stop());

  /** About world alpha, named in the request or in the world that it holds. */
  const call = (method: DescMethodUnary, request: JsonObject): Promise<Outcome> =>
    callJson(open.transport, method, "world" in request ? request : { worldId: "alpha", ...request });
  const answer = async (method: DescMethodUnary, request: JsonObject): Promise<JsonObject> => {
    const outcome = await call(method, request);
    expect(outcome, JSON.stringify(outcome)).to.have.property("response");
    return (outcome as { response: JsonObject }).response;
  };
  const head = async () => (await open.server.opened.store.read({ keys: [] })).head.revision;

  const returns = (strategyId: string, values: (number | string)[]): JsonObject => ({
    strategyId,
    returns: { values },
  });
  const MODERATE: JsonObject = { preset: "moderate" };
  const CASES: Record<string, JsonObject> = {
    "given-policy": { metrics: METRICS, policy: MODERATE },
    correlated: { metrics: METRICS, policy: MODERATE, correlations: [twin] },
    previous: {
      metrics: { good: { values: { sharpe: 0.6 } }, fair: { values: { sharpe: 0.6 } } },
      policy: { hysteresis: { metric: "sharpe", enter: 0.7, exit: 0.5 } },
      previous: ["fair"],
    },
    series: {
      series: [returns("a", [0.01, -0.01, 0.03]), returns("b", [0.02, 0.01, -0.01])],
      policy: { top_k: { metric: "alpha_performance.sharpe", k: 1 } },
    },
    "series-beside-metrics": {
      metrics: { a: { values: { "alpha_performance.sharpe": 9 } } },
      series: [{ ...returns("a", [0.01, -0.01, 0.03]), worldId: "alpha" }],
      policy: {},
    },
    nobody: { policy: MODERATE },
  };
  for (const [name, request] of Object.entries(CASES)) {
    it(`evaluates ${name} as recorded, and writes nothing`, async () => {
      expectGolden(`v1/evaluate.${name}`, await answer(evaluate, request));
      expect(await head()).to.equal(0);
    });
  }

  it("does not replace a strategy's own figures by the portfolio's (D-05)", async () => {
    const request = {
      series: [returns("a", [0.01, -0.01, 0.03]), returns("b", [-0.02, 0.03, -0.01])],
      policy: {},
    };
    const { strategies } = (await answer(evaluate, request)) as { strategies: Record<string, JsonObject> };
    const metrics = (id: string) => strategies[id]?.metrics as Record<string, number>;
    const key = "alpha_performance.sharpe";
    expect(metrics("a")[key]).not.to.equal(metrics("b")[key]);
    expect(metrics("a")[`portfolio_${key}`]).to.equal(metrics("b")[`portfolio_${key}`]);
  });

  it("takes the world's default policy and its stored decisions where none are given", async () => {
    const body = { hysteresis: { metric: "sharpe", enter: 0.7, exit: 0.5 } };
    expectGolden("v1/evaluate.no-policy", await call(evaluate, { metrics: METRICS }));
    await answer(PolicyService.method.createPolicy, { body });
    await answer(setDecisions, { strategies: ["b"] });
    const metrics = { a: { values: { sharpe: 0.6 } }, b: { values: { sharpe: 0.6 } } };
    expect(await answer(evaluate, { metrics })).to.deep.include({ active: ["b"], policyVersion: 1 });
    expect(await answer(evaluate, { metrics, previous: ["a"] })).to.deep.include({ active: ["a"] });
  });

  it("lets ApplyWorld switch to what the policy makes active", async () => {
    await answer(PolicyService.method.createPolicy, { body: { top_k: { metric: "sharpe", k: 1 } } });
    const evaluation = { metrics: { a: { values: { sharpe: 1 } }, b: { values: { sharpe: 2 } } } };
    const applied = await answer(ActivationService.method.applyWorld, { runId: "run-1", evaluation });
    expect(applied).to.deep.include({ active: ["b"], ok: true });
    const wrong = { series: [returns("a", ["NaN"])] };
    const outcome = await call(ActivationService.method.applyWorld, { runId: "run-2", evaluation: wrong });
    expect(outcome).to.have.nested.property(
      "error.badRequest[0].fieldViolations[0].field",
      "evaluation.series[0].returns.values[0]",
    );
  });

  const REFUSED: Record<string, JsonObject> = {
    "metric-not-a-number": { metrics: { a: { values: { sharpe: "NaN" } } }, policy: {} },
    "infinite-metric": { metrics: { a: { values: { sharpe: "Infinity" } } }, policy: {} },
    "series-of-another-world": { series: [{ ...returns("a", [0.1]), worldId: "beta" }], policy: {} },
    "series-twice": {
      series: [returns("a", [0.1]), { ...returns("a", [0.2]), worldId: "alpha" }],
      policy: {},
    },
    "series-with-gap": { series: [returns("a", [0.1, "NaN"])], policy: {} },
    "pair-twice": { correlations: [twin, { strategyA: "fair", strategyB: "good", rho: 0.99 }], policy: {} },
    "correlation-out-of-range": { correlations: [{ strategyA: "a", strategyB: "b", rho: 1.1 }], policy: {} },
    "correlation-of-nobody": { correlations: [{ strategyA: "a", rho: 0.5 }], policy: {} },
    "contradictory-policy": { policy: { thresholds: { t: { metric: "m", min: 1, max: 0 } } } },
  };
  for (const [name, request] of Object.entries(REFUSED)) {
    it(`refuses to evaluate ${name}`, async () => {
      const outcome = await call(evaluate, request);
      expectGolden(`v1/evaluate.refuses-${name}`, outcome);
      expect(outcome).to.have.nested.property("error.errorInfo[0].reason", "INVALID_FIELD");
    });
  }

  it("answers with the figures of an injected calculator (S19)", async () => {
    const own = await startServer(
      {},
      { alphaCalculator: { wants: "statistics", calculate: () => alphaResult(() => 42) } },
    );
    try {
      const request = { worldId: "alpha", series: [returns("a", [0.1, 0.2])], policy: {} };
      const outcome = await callJson(own.transport, evaluate, request);
      expect(outcome).to.have.nested.property("response.strategies.a.metrics.alpha_performance\\.sharpe", 42);
      const outcomePortfolio = "response.strategies.a.metrics.portfolio_alpha_performance\\.sharpe";
      expect(outcome).to.have.nested.property(outcomePortfolio, 42);
    } finally {
      await own.stop();
    }
  });

  describe("Decide", () => {
    const entry = (changes: JsonObject = {}): JsonObject => ({
      strategyId: "a",
      rows: "100",
      datasetFingerprint: "fp-1",
      asOf: "2026-01-01T00:00:00Z",
      ...changes,
    });
    const register = (world: JsonObject = {}) =>
      answer(WorldService.method.createWorld, { world: { worldId: "alpha", name: "A", ...world } });
    const ready = async (world: JsonObject = { allowLive: true }) => {
      await register(world);
      await answer(setBindings, { strategies: ["a"] });
      await answer(setDecisions, { strategies: ["a"] });
    };
    const record = (...entries: JsonObject[]) => answer(recordHistory, { entries });

    it("answers WORLD_NOT_FOUND for a world that is not registered, or was deleted", async () => {
      expectGolden("v1/decide.unregistered", await call(decide, {}));
      await register();
      await answer(WorldService.method.deleteWorld, {});
      expect(await call(decide, {})).to.have.nested.property("error.errorInfo[0].reason", "WORLD_NOT_FOUND");
    });

    it("validates without bindings, and without decisions", async () => {
      await register();
      expectGolden("v1/decide.no-bindings", await answer(decide, {}));
      await answer(setBindings, { strategies: ["a"] });
      expectGolden("v1/decide.no-decisions", await answer(decide, {}));
    });

    it("computes only where live is not allowed, or not enough is known", async () => {
      await ready({});
      expectGolden("v1/decide.live-disabled", await answer(decide, {}));
      await answer(WorldService.method.updateWorld, {
        world: { worldId: "alpha", allowLive: true },
        updateMask: "allowLive",
      });
      expectGolden("v1/decide.nothing-known", await answer(decide, {}));
    });

    it("goes live with fingerprint and metrics, holds it without metrics, ends it with other data", async () => {
      await ready();
      await answer(PolicyService.method.createPolicy, { body: {} });
      await record(entry());
      expectGolden("v1/decide.live", await answer(decide, {}));
      await record(entry({ rows: "0", asOf: "2026-01-02T00:00:00Z" }));
      expectGolden("v1/decide.held", await answer(decide, {}));
      await record(entry({ rows: "0", asOf: "2026-01-03T00:00:00Z", datasetFingerprint: "fp-2" }));
      expectGolden("v1/decide.other-data", await answer(decide, {}));
    });

    it("decides by the newest entry that is not later than as_of", async () => {
      await ready();
      await record(
        entry({ datasetFingerprint: "new" }),
        entry({ datasetFingerprint: "old", asOf: "2025-06-01T00:00:00Z" }),
      );
      expect(await answer(decide, {})).to.include({ datasetFingerprint: "new" });
      const old = await answer(decide, { asOf: "2025-12-31T00:00:00Z" });
      expect(old).to.include({ datasetFingerprint: "old", asOf: "2025-06-01T00:00:00Z" });
      expect(await answer(decide, { asOf: "2020-01-01T00:00:00Z" })).not.to.have.property("asOf");
    });

    for (const change of [{ circuitBreaker: true }, { state: "WORLD_STATE_SUSPENDED" }]) {
      it(`does not let a world run live with ${JSON.stringify(change)}`, async () => {
        await ready();
        await record(entry());
        expect(await answer(decide, {})).to.include({ effectiveMode: "EFFECTIVE_MODE_LIVE" });
        const updateMask = Object.keys(change).join();
        await answer(WorldService.method.updateWorld, { world: { worldId: "alpha", ...change }, updateMask });
        expect(await answer(decide, {})).to.include({ effectiveMode: "EFFECTIVE_MODE_COMPUTE_ONLY" });
      });
    }

    it("writes only what changed, and changes its etag with time", async () => {
      await ready();
      await record(entry());
      const first = await answer(decide, {});
      const written = await head();
      nowMs += 60_000;
      const second = await answer(decide, {});
      expect(await head()).to.equal(written);
      expect(second.etag).not.to.equal(first.etag);
    });
  });

  describe("RecordHistory", () => {
    const entry = (changes: JsonObject = {}): JsonObject => ({ strategyId: "a", nodeId: "n", ...changes });

    it("counts what is new or changes something", async () => {
      const entries = [entry(), entry({ interval: "60s" }), entry({ asOf: "2026-01-01T00:00:00Z" })];
      expect(await answer(recordHistory, { entries })).to.deep.equal({ recorded: 3 });
      const before = await head();
      nowMs += 1000;
      expect(await answer(recordHistory, { entries })).to.deep.equal({});
      expect(await head()).to.equal(before);
      const changed = [entry({ rows: "5" }), entry({ interval: "60s" })];
      expect(await answer(recordHistory, { entries: changed })).to.deep.equal({ recorded: 1 });
    });

    it("refuses coverage that ends before it starts, and what is no duration, all or nothing", async () => {
      const wrong = entry({ coverageStart: "2026-01-02T00:00:00Z", coverageEnd: "2026-01-01T00:00:00Z" });
      const outcome = await call(recordHistory, { entries: [entry(), wrong] });
      expectGolden("v1/record-history.refuses-coverage", outcome);
      const still = await call(recordHistory, { entries: [entry({ interval: "0s" })] });
      expectGolden("v1/record-history.refuses-interval", still);
      expect(await head()).to.equal(0);
    });
  });
});
