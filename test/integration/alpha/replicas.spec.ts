/** What several processes on one book see of series, policies and decisions: on Redis, and on one store in memory. */
import { randomUUID } from "node:crypto";
import type { DescMethodUnary, JsonObject } from "@bufbuild/protobuf";
import { expect } from "chai";
import { AlphaMetricsService } from "#gen/worldservice/v1/alpha_metrics_service_pb.ts";
import { DecisionService } from "#gen/worldservice/v1/decision_service_pb.ts";
import { PolicyService } from "#gen/worldservice/v1/policy_service_pb.ts";
import { WorldService } from "#gen/worldservice/v1/world_service_pb.ts";
import { RebalanceService } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { openRedisStore } from "../../../src/adapters/redis/index.ts";
import { openSqliteStore } from "../../../src/adapters/sqlite/index.ts";
import type { OpenedStore } from "../../../src/ports/opened-store.ts";
import { callJson } from "../../support/golden.ts";
import { redisUrl } from "../../support/redis.ts";
import { startServer, type TestServer } from "../../support/server.ts";

const { recordReturns, getAlphaMetrics, computeAlphaMetrics } = AlphaMetricsService.method;
const { createPolicy, listPolicies, setDefaultPolicy } = PolicyService.method;

const LOCK_TTL_MS = 5000;

/** Opens one book as often as asked; every process has its own connection where the store allows it. */
type OpenBook = () => Promise<OpenedStore>;

const STORES: Record<string, () => Promise<OpenBook>> = {
  Redis: async () => {
    const book = `alpha {${randomUUID()}}`;
    return () =>
      openRedisStore({
        url: redisUrl(),
        book,
        lockTtlMs: LOCK_TTL_MS,
        durability: "fsync",
        allowDegraded: false,
      });
  },
  memory: async () => {
    const opened = await openSqliteStore({ path: ":memory:", book: "main", lockTtlMs: LOCK_TTL_MS });
    return async () => opened;
  },
};

const POSITIONS = ["trend", "carry"].map((strategyId) => ({
  worldId: "w",
  strategyId,
  symbol: "X",
  qty: 1,
  mark: 100,
}));
const BOOK: JsonObject = {
  totalEquity: 1000,
  worldAllocBefore: { w: 0.2 },
  worldAllocAfter: { w: 0.1 },
  positions: POSITIONS,
};

for (const [name, openStore] of Object.entries(STORES)) {
  describe(`alpha figures and decisions of two processes on ${name}`, () => {
    let servers: TestServer[];
    beforeEach(async () => {
      const open = await openStore();
      const start = async () => startServer({ compat_rebalance_v2: true }, { store: await open() });
      servers = [await start(), await start()];
    });
    afterEach(() => Promise.all(servers.map((server) => server.stop())));

    async function answer(at: number, method: DescMethodUnary, request: JsonObject): Promise<JsonObject> {
      const { transport } = servers[at % servers.length] as TestServer;
      const outcome = await callJson(transport, method, request);
      if ("error" in outcome) throw new Error(JSON.stringify(outcome.error));
      return outcome.response as JsonObject;
    }

    const series = (strategyId: string, values: number[], firstDay = 1): JsonObject => ({
      worldId: "w",
      strategyId,
      returns: { values },
      times: values.map((_, i) => `2026-01-${String(firstDay + i).padStart(2, "0")}T00:00:00Z`),
    });
    const plannedFigures = async (at: number) =>
      ((await answer(at, RebalanceService.method.planRebalance, { rebalance: BOOK })).plan as JsonObject)
        .alphaMetrics;

    it("are planned by one as soon as the other recorded them", async () => {
      for (const [round, values] of [
        [0.1, 0.2],
        [0.1, -0.2],
        [-0.1, -0.2],
      ].entries()) {
        await answer(round, recordReturns, { series: [series("trend", values)] });
        const expected = await answer(0, computeAlphaMetrics, { series: series("trend", values) });
        const seen = await Promise.all([plannedFigures(0), plannedFigures(1)]);
        for (const figures of seen) {
          expect(figures)
            .to.have.nested.property("perStrategy.trend.worlds.w")
            .that.deep.equals(expected.alphaPerformance);
          expect(figures).to.have.nested.property("perWorld.w").that.deep.equals(expected.alphaPerformance);
        }
      }
    });

    it("take every period once, however many record at the same time", async () => {
      const days = Array.from({ length: 12 }, (_, i) => i + 1);
      const value = (day: number) => (day % 3 === 0 ? -0.01 : 0.01);
      await Promise.all(
        days.flatMap((day) => [
          answer(day, recordReturns, { series: [series("trend", [value(day)], day)] }),
          answer(day + 1, recordReturns, { series: [series("trend", [value(day)], day)] }),
        ]),
      );
      const whole = await answer(0, computeAlphaMetrics, { series: series("trend", days.map(value)) });
      const { alphaMetrics } = await answer(1, getAlphaMetrics, { worldIds: ["w"] });
      expect(alphaMetrics)
        .to.have.nested.property("perStrategy.trend.worlds.w")
        .that.deep.equals(whole.alphaPerformance);
      const head = await (servers[0] as TestServer).server.opened.store.read({ keys: [] });
      expect(head.head.revision, "one commit per new period").to.equal(days.length);
    });

    it("count policy versions without gap or repeat", async () => {
      const made = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          answer(i, createPolicy, { worldId: "w", body: { top_k: { metric: "sharpe", k: i + 1 } } }),
        ),
      );
      const versions = made.map(({ policy }) => Number((policy as JsonObject).version));
      expect(versions.sort((a, b) => a - b)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      await answer(0, setDefaultPolicy, { worldId: "w", version: 7 });
      const { policies } = await answer(1, listPolicies, { worldId: "w", pageSize: 4 });
      expect((policies as JsonObject[]).map(({ version, isDefault }) => [version, isDefault])).to.deep.equal([
        [10, undefined],
        [9, undefined],
        [8, undefined],
        [7, true],
      ]);
    });

    it("hold a live mode that the other one decided (D-35)", async () => {
      const entry = { strategyId: "trend", datasetFingerprint: "fp", asOf: "2026-01-01T00:00:00Z" };
      const { decide, recordHistory, setBindings, setDecisions } = DecisionService.method;
      await answer(0, WorldService.method.createWorld, {
        world: { worldId: "w", name: "W", allowLive: true },
      });
      await answer(0, setBindings, { worldId: "w", strategies: ["trend"] });
      await answer(0, setDecisions, { worldId: "w", strategies: ["trend"] });
      await answer(0, recordHistory, { worldId: "w", entries: [{ ...entry, rows: "10" }] });
      expect(await answer(0, decide, { worldId: "w" })).to.include({ ttl: "300s" });
      await answer(0, recordHistory, { worldId: "w", entries: [entry] });
      expect(await answer(1, decide, { worldId: "w" })).to.include({
        effectiveMode: "EFFECTIVE_MODE_LIVE",
        ttl: "120s",
      });
    });

    it("keep a thousand series of a thousand points, and put the world together from them", async () => {
      const values = (s: number) =>
        Array.from({ length: 1000 }, (_, i) => ((((i + 1) * (s + 7)) % 101) - 49) / 1e4);
      const all = Array.from({ length: 1000 }, (_, s) => ({
        worldId: "w",
        strategyId: `s${s}`,
        returns: { values: values(s) },
      }));
      for (let from = 0; from < all.length; from += 250) {
        await answer(from, recordReturns, { series: all.slice(from, from + 250) });
      }
      const positions = all.map(({ strategyId }) => ({
        worldId: "w",
        strategyId,
        symbol: "X",
        qty: 1,
        mark: 1,
      }));
      const rebalance = { ...BOOK, positions };
      const [first, second] = await Promise.all(
        [0, 1].map(
          async (at) => (await answer(at, RebalanceService.method.planRebalance, { rebalance })).plan,
        ),
      );
      expect(second).to.deep.equal(first);
      const series1000 = all.map(({ returns }) => returns.values);
      const mean = Array.from({ length: 1000 }, (_, i) =>
        series1000.reduce((sum, one) => sum + (one[i] ?? 0) / all.length, 0),
      );
      const expected = await answer(0, computeAlphaMetrics, { series: { returns: { values: mean } } });
      const sharpe = "metrics.alpha_performance\\.sharpe";
      const { alphaMetrics } = first as JsonObject;
      expect(alphaMetrics).to.have.nested.property(`perWorld.w.${sharpe}`);
      const got = (alphaMetrics as { perWorld: Record<string, { metrics: Record<string, number> }> }).perWorld
        .w;
      const want = expected.alphaPerformance as { metrics: Record<string, number> };
      expect(got?.metrics["alpha_performance.sharpe"]).to.be.closeTo(
        want.metrics["alpha_performance.sharpe"] ?? Number.NaN,
        1e-9,
      );
    });
  });
}
