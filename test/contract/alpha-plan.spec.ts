import { fromBinary, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { expect } from "chai";
import { AlphaMetricsService } from "#gen/worldservice/v1/alpha_metrics_service_pb.ts";
import { EventSchema as EventV1 } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { RebalanceService as V1 } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { AllocationService as AllocationV2 } from "#gen/worldservice/v2/allocation_service_pb.ts";
import { EventSchema as EventV2 } from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { RebalanceService as V2 } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { alphaResult } from "../../src/domain/alpha/alpha-performance.ts";
import type { DomainEvent } from "../../src/domain/events/types.ts";
import { fromStored } from "../../src/domain/stored-json.ts";
import type { AlphaCalculator } from "../../src/ports/alpha-calculator.ts";
import { feedPackageV1 } from "../../src/rpc/v1/control-bus-service.ts";
import { feedPackageV2 } from "../../src/rpc/v2/control-bus-service.ts";
import { callJson, expectGolden } from "../support/golden.ts";
import { STANDING_CLOCK, startServer, type TestServer } from "../support/server.ts";
import { ALPHA_KNOWN, BETA_KNOWN, returnsOf } from "./alpha-requests.ts";
import { BOOK, OVERLAY } from "./requests.ts";

const V2_FLAGS = { compat_rebalance_v2: true };

async function serverWith(series: JsonObject[], flags = V2_FLAGS): Promise<TestServer> {
  const open = await startServer(flags, { clock: STANDING_CLOCK });
  if (series.length > 0) await record(open, series);
  return open;
}

async function record(open: TestServer, series: JsonObject[]): Promise<void> {
  await answer(open, AlphaMetricsService.method.recordReturns, { series });
}

async function answer(
  open: TestServer,
  method: Parameters<typeof callJson>[1],
  request: JsonObject,
): Promise<JsonObject> {
  const outcome = await callJson(open.transport, method, request);
  if ("error" in outcome) throw new Error(JSON.stringify(outcome.error));
  return outcome.response as JsonObject;
}

async function plan(open: TestServer, rebalance: JsonObject): Promise<JsonObject> {
  return (await answer(open, V2.method.planRebalance, { rebalance })).plan as JsonObject;
}

/** Everything of a plan but its figures. */
function withoutFigures({ alphaMetrics: _figures, ...rest }: JsonObject): JsonObject {
  return rest;
}

/** What subscribers of both packages get of the newest commit, world by world. */
async function newestEvents(open: TestServer): Promise<{ v1: JsonValue[]; v2: JsonValue[] }> {
  const { log } = open.server.opened;
  const { head } = await log.window();
  const [entry] = await log.readAfter(head.revision - 1, 1);
  const events = (entry?.events ?? []).map(({ body, worldSequence }) => ({
    event: fromStored<DomainEvent>(body),
    id: "1-0-0",
    worldSequence,
  }));
  return {
    v1: events.map((event) => toJson(EventV1, fromBinary(EventV1, feedPackageV1.encodeEvent(event)))),
    v2: events.map((event) => toJson(EventV2, fromBinary(EventV2, feedPackageV2.encodeEvent(event)))),
  };
}

const KNOWN = [...ALPHA_KNOWN, ...BETA_KNOWN];

/** Series recorded before, and what the request brings beside the book. */
const CASES: Record<string, { stored: JsonObject[]; request: JsonObject }> = {
  known: { stored: KNOWN, request: {} },
  "partly-missing": {
    stored: [returnsOf("alpha", "", [0.01]), returnsOf("beta", "trend", [0.01, 0.02])],
    request: {},
  },
  "no-series": { stored: [], request: {} },
  "request-wins": { stored: KNOWN, request: { alphaSeries: [returnsOf("alpha", "", [0.5, -0.25])] } },
  "weighted-by-ratios-after": {
    stored: BETA_KNOWN,
    request: {
      strategyAllocBeforeTotal: { beta: { ratios: { trend: 0.1, value: 0.1 } } },
      strategyAllocAfterTotal: { beta: { ratios: { trend: 0.3, value: 0 } } },
    },
  },
  overlay: { stored: KNOWN, request: { overlay: OVERLAY } },
};

describe("alpha figures in plans", () => {
  for (const [name, { stored, request }] of Object.entries(CASES)) {
    it(`of version 2 are as recorded: ${name}`, async () => {
      const open = await serverWith(stored);
      try {
        const given = await plan(open, { ...BOOK, ...request });
        expectGolden(`v2/alpha-plan.${name}`, given.alphaMetrics ?? null);
      } finally {
        await open.stop();
      }
    });
  }

  it("leave v1 as it was, stored series or not", async () => {
    const open = await serverWith(KNOWN);
    try {
      const outcome = await callJson(open.transport, V1.method.planRebalance, { rebalance: BOOK });
      expectGolden("v1/plan-rebalance.scaling", outcome);
    } finally {
      await open.stop();
    }
  });

  it("take no part in version 1, not even wrong ones of the request", async () => {
    const open = await serverWith(KNOWN, { compat_rebalance_v2: false });
    try {
      const bare = await plan(open, BOOK);
      expect(bare).not.to.have.property("alphaMetrics");
      const wrong = returnsOf("alpha", "", [Number.MAX_VALUE]);
      expect(await plan(open, { ...BOOK, alphaSeries: [wrong] })).to.deep.equal(bare);
    } finally {
      await open.stop();
    }
  });

  it("change nothing else in a plan, and planning writes nothing", async () => {
    const [without, withSeries] = [await serverWith([]), await serverWith(KNOWN)];
    try {
      const bare = withoutFigures(await plan(without, BOOK));
      const { store } = withSeries.server.opened;
      const before = (await store.read({ keys: [] })).head;
      expect(withoutFigures(await plan(withSeries, BOOK))).to.deep.equal(bare);
      const sent = await plan(withSeries, { ...BOOK, alphaSeries: ALPHA_KNOWN });
      expect(withoutFigures(sent)).to.deep.equal(bare);
      expect((await store.read({ keys: [] })).head).to.deep.equal(before);
    } finally {
      await Promise.all([without.stop(), withSeries.stop()]);
    }
  });

  it("are the same for series of the request as for stored ones", async () => {
    const [stored, sent] = [await serverWith(KNOWN), await serverWith([])];
    try {
      const fromStore = (await plan(stored, BOOK)).alphaMetrics;
      expect((await plan(sent, { ...BOOK, alphaSeries: KNOWN })).alphaMetrics).to.deep.equal(fromStore);
    } finally {
      await Promise.all([stored.stop(), sent.stop()]);
    }
  });

  it("follow what is recorded between two plans", async () => {
    const open = await serverWith([]);
    try {
      const sharpe = async () => {
        const { alphaMetrics } = await plan(open, BOOK);
        const { perWorld } = alphaMetrics as { perWorld: Record<string, { metrics: JsonObject }> };
        return perWorld.alpha?.metrics["alpha_performance.win_ratio"];
      };
      expect(await sharpe()).to.equal(0);
      await record(open, [returnsOf("alpha", "", [0.01, -0.01])]);
      expect(await sharpe()).to.equal(0.5);
      await record(open, [returnsOf("alpha", "", [0.01, 0.02])]);
      expect(await sharpe()).to.equal(1);
    } finally {
      await open.stop();
    }
  });

  it("refuse wrong series of the request with the path of the value", async () => {
    const open = await serverWith([]);
    try {
      const alphaSeries = [
        returnsOf("alpha", "", [0.1]),
        { worldId: "beta", returns: { values: ["NaN"] } },
        returnsOf("alpha", "", [0.1]),
      ];
      expectGolden(
        "v2/alpha-plan.refuses-series",
        await callJson(open.transport, V2.method.planRebalance, { rebalance: { ...BOOK, alphaSeries } }),
      );
    } finally {
      await open.stop();
    }
  });
});

describe("alpha figures in runs and events", () => {
  const apply = { runId: "run-1", rebalance: { ...BOOK, alphaSeries: [returnsOf("alpha", "carry", [0.1])] } };

  it("fill v2 events of a version 2 run, each with its own world; v1 events stay empty (S23)", async () => {
    const open = await serverWith(KNOWN);
    try {
      await answer(open, V2.method.applyRebalance, apply);
      const { v1, v2 } = await newestEvents(open);
      expectGolden("v2/alpha-events.filled", v2);
      expectGolden("v1/alpha-events.filled", v1);
    } finally {
      await open.stop();
    }
  });

  it("are present and empty in both packages for a run of version 1 (S23)", async () => {
    const open = await serverWith(KNOWN);
    try {
      await answer(open, V1.method.applyRebalance, { runId: "run-1", rebalance: BOOK });
      const { v1, v2 } = await newestEvents(open);
      for (const event of [...v1, ...v2]) {
        expect(event).to.have.nested.property("rebalancingPlanned.alphaMetrics").that.deep.equals({});
      }
    } finally {
      await open.stop();
    }
  });

  it("stay those of the run in its replays, whatever is recorded later", async () => {
    const open = await serverWith([]);
    try {
      const first = await answer(open, V2.method.applyRebalance, apply);
      await record(open, KNOWN);
      const again = await answer(open, V2.method.applyRebalance, apply);
      expect(again).to.deep.equal({ ...first, replayed: true });
      const stored = await answer(open, V2.method.getRebalanceRun, { runId: "run-1" });
      expect(stored).to.have.nested.property("run.plan").that.deep.equals(first.plan);
      expect(stored)
        .to.have.nested.property("run.request.alphaSeries")
        .that.deep.equals(apply.rebalance.alphaSeries);
    } finally {
      await open.stop();
    }
  });

  it("make requests with other series other requests", async () => {
    const open = await serverWith([]);
    try {
      await answer(open, V2.method.applyRebalance, apply);
      const other = {
        runId: "run-1",
        rebalance: { ...BOOK, alphaSeries: [returnsOf("alpha", "carry", [0.2])] },
      };
      const outcome = await callJson(open.transport, V2.method.applyRebalance, other);
      expect(outcome).to.have.nested.property("error.errorInfo[0].reason", "RUN_ID_REUSED");
    } finally {
      await open.stop();
    }
  });

  it("are in the plan and the events of an allocation run", async () => {
    const open = await serverWith(KNOWN);
    try {
      const upsert = {
        runId: "alloc-1",
        totalEquity: 1_000_000,
        worldAllocations: { alpha: 0.3, beta: 0.3 },
        positions: BOOK.positions ?? [],
        alphaSeries: [returnsOf("beta", "", [0.1, 0.2])],
      };
      const run = await answer(open, AllocationV2.method.upsertAllocations, upsert);
      expectGolden("v2/alpha-allocation-run", (run.plan as JsonObject).alphaMetrics ?? null);
      const { v2 } = await newestEvents(open);
      const planned = v2.filter((event) => (event as JsonObject).type === "EVENT_TYPE_REBALANCING_PLANNED");
      expect(planned[1]).to.have.nested.property(
        "rebalancingPlanned.alphaMetrics.perWorld.beta.metrics.alpha_performance\\.win_ratio",
        1,
      );
      expect(planned[1]).not.to.have.nested.property("rebalancingPlanned.alphaMetrics.perWorld.alpha");
    } finally {
      await open.stop();
    }
  });
});

describe("an injected calculator", () => {
  /** Answers what it was asked, so that it can be seen in every figure. */
  const fake: AlphaCalculator = {
    wants: "series",
    calculate: ({ strategyId, series }) =>
      alphaResult((key) => {
        if (key === "alpha_performance.sharpe") return Number.POSITIVE_INFINITY;
        return strategyId.length + (series?.returns.length ?? 0) / 10;
      }),
  };

  it("answers through PlanRebalance, held to finite figures (S19, D-26)", async () => {
    const open = await startServer(V2_FLAGS, { alphaCalculator: fake, clock: STANDING_CLOCK });
    try {
      await record(open, KNOWN);
      const { alphaMetrics } = await plan(open, BOOK);
      const figures = (path: string) => `perStrategy.${path}.metrics.alpha_performance\\.win_ratio`;
      expect(alphaMetrics).to.have.nested.property(figures("trend.worlds.alpha"), 5.4);
      expect(alphaMetrics).to.have.nested.property(figures("carry.worlds.alpha"), 5.3);
      expect(alphaMetrics).to.have.nested.property("missing[0].metrics[0]", "alpha_performance.sharpe");
      expect(alphaMetrics).to.have.nested.property("missing[0].reason", "MISSING_REASON_NOT_COMPUTABLE");
    } finally {
      await open.stop();
    }
  });

  it("fails the calls that need its figures when it throws, and nothing is stored", async () => {
    const broken: AlphaCalculator = {
      wants: "statistics",
      calculate: () => {
        throw new RangeError("no figures today");
      },
    };
    const open = await startServer(V2_FLAGS, { alphaCalculator: broken });
    try {
      const calls = [
        callJson(open.transport, V2.method.planRebalance, { rebalance: BOOK }),
        callJson(open.transport, V2.method.applyRebalance, { runId: "run-1", rebalance: BOOK }),
        callJson(open.transport, AllocationV2.method.upsertAllocations, {
          runId: "run-2",
          totalEquity: 1,
          worldAllocations: { alpha: 0.1 },
          positions: (BOOK.positions as JsonObject[]).slice(0, 1),
        }),
        callJson(open.transport, AlphaMetricsService.method.recordReturns, { series: ALPHA_KNOWN }),
      ];
      for (const outcome of await Promise.all(calls)) {
        expect(outcome).to.have.nested.property("error.message", "internal error");
      }
      expect((await open.server.opened.store.read({ keys: [] })).head.revision).to.equal(0);
    } finally {
      await open.stop();
    }
  });
});
