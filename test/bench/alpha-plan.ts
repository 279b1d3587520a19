/**
 * What alpha figures add to a plan over 10,000 strategies with 1,000 points each: planning and encoding the answer,
 * with and without figures. "first" plans start from an empty memory, all others find what the one before remembered.
 */
import { ok, strictEqual } from "node:assert";
import { PlanRebalanceResponseSchema } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/index.ts";
import { alphaPerformance } from "../../src/domain/alpha/alpha-performance.ts";
import { parseSeries } from "../../src/domain/alpha/parse-series.ts";
import { recordReturns } from "../../src/domain/alpha/recorded-series.ts";
import { columnsFromRows } from "../../src/domain/rebalance/columns.ts";
import { type AlphaSource, createAlphaSource } from "../../src/orchestration/alpha-metrics/alpha-source.ts";
import { markerKey, recordedPuts } from "../../src/orchestration/alpha-metrics/series-docs.ts";
import {
  planWithFigures,
  type RebalanceCall,
} from "../../src/orchestration/plan-rebalance/plan-rebalance.ts";
import { defaultAlphaCalculator } from "../../src/ports/alpha-calculator.ts";
import type { Store } from "../../src/ports/store.ts";
import { toRebalancePlan } from "../../src/rpc/v2/convert.ts";
import { compileWriter } from "../../src/rpc/wire/compile-writer.ts";
import { type BenchValue, benchValue, inTurns, milliseconds } from "./support/measure.ts";

const STRATEGIES = 10_000;
const POINTS = 1000;
const GATES = { compatRebalanceV2: true, alphaMetricsRequired: false };
/** As gRPC answers are written. */
const writeAnswer = compileWriter(PlanRebalanceResponseSchema);
const TURNS = { rounds: 7, warmUp: 2 };

/** Seeded noise of a strategy: the same numbers in every run. */
function noise(seed: number): number[] {
  let state = seed + 12_345;
  return Array.from({ length: POINTS }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return (state / 2_147_483_648 - 0.49) * 0.02;
  });
}

const IDS = Array.from({ length: STRATEGIES }, (_, i) => `strategy-${i}`);

/** A book of one world in which every strategy holds something. */
function callFor(worldId: string, requestedVersion: number): RebalanceCall {
  const rows = IDS.map((strategyId, i) => {
    return { worldId, strategyId, symbol: `S${i % 500}`, venue: undefined, qty: 1 + (i % 7), mark: 10 };
  });
  return {
    rules: "v2",
    requestedVersion,
    input: {
      totalEquity: 1e9,
      worldBefore: new Map([[worldId, 0.4]]),
      worldAfter: new Map([[worldId, 0.3]]),
      strategyBefore: new Map(),
      strategyAfter: new Map(),
      positions: columnsFromRows(rows),
      minTradeNotional: 0,
      lotBySymbol: new Map(),
    },
    mode: { kind: "scaling" },
    intent: undefined,
    alphaSeries: [],
    constraints: [],
    path: "rebalance",
    positionSource: "rows",
  };
}

async function record(store: Store, worldId: string, ids: readonly string[]): Promise<void> {
  for (let from = 0; from < ids.length; from += 1000) {
    const puts = ids.slice(from, from + 1000).flatMap((strategyId, i) => {
      const input = { worldId, strategyId, kind: "returns", values: noise(from + i), timesMs: [] } as const;
      const series = parseSeries(input, "series");
      return recordedPuts(series, recordReturns(undefined, series));
    });
    await store.commit({ puts: [...puts, { key: markerKey(worldId), body: `"${from}"` }] });
  }
}

async function answerBytes(alpha: AlphaSource, call: RebalanceCall): Promise<Uint8Array> {
  const planned = await planWithFigures({ gates: GATES, alpha }, call);
  return writeAnswer({ plan: toRebalancePlan({ ...planned, intent: undefined }) });
}

/** Every figure of the answer must be what computing it afresh gives. */
async function checkOwn(alpha: AlphaSource): Promise<void> {
  const { alphaMetrics } = await planWithFigures({ gates: GATES, alpha }, callFor("own", 2));
  strictEqual(alphaMetrics?.perStrategy.size, STRATEGIES);
  for (const i of [0, 1234, STRATEGIES - 1]) {
    const figures: ReadonlyMap<string, number> | undefined = alphaMetrics.perStrategy
      .get(`strategy-${i}`)
      ?.get("own");
    for (const [key, value] of alphaPerformance(noise(i)).metrics) strictEqual(figures?.get(key), value);
  }
}

/** A world without a series of its own has figures all the same. */
async function checkComposed(alpha: AlphaSource): Promise<void> {
  const { alphaMetrics } = await planWithFigures({ gates: GATES, alpha }, callFor("composed", 2));
  ok((alphaMetrics?.perWorld.get("composed")?.get("alpha_performance.win_ratio") ?? 0) > 0);
  ok(alphaMetrics?.missing.every(({ reason }) => reason !== "NO_SERIES"));
}

function recompute(all: readonly (readonly number[])[]): number {
  let sum = 0;
  for (const returns of all) sum += alphaPerformance(returns).metrics.get("alpha_performance.sharpe") ?? 0;
  return sum;
}

export async function run(): Promise<BenchValue[]> {
  const opened = await openSqliteStore({ path: ":memory:", book: "main", lockTtlMs: 5000 });
  try {
    const { store } = opened;
    await record(store, "own", IDS);
    await record(store, "own", [""]);
    await record(store, "composed", IDS);
    const fresh = () => createAlphaSource(store, defaultAlphaCalculator);
    const alpha = fresh();
    await checkOwn(alpha);
    await checkComposed(alpha);
    const series = IDS.map((_, i) => noise(i));
    const name = (what: string) => `alpha-plan.10000_strategies.${what}`;
    const ways = [
      { name: name("without_figures"), work: () => answerBytes(alpha, callFor("own", 1)) },
      { name: name("no_series"), work: () => answerBytes(alpha, callFor("nobody", 2)) },
      { name: name("with_figures"), work: () => answerBytes(alpha, callFor("own", 2)) },
      { name: name("with_figures.first"), work: () => answerBytes(fresh(), callFor("own", 2)) },
      { name: name("world_put_together"), work: () => answerBytes(alpha, callFor("composed", 2)) },
      { name: name("world_put_together.first"), work: () => answerBytes(fresh(), callFor("composed", 2)) },
      { name: name("recomputing_all_series"), work: async () => recompute(series) },
    ];
    const rounds = await inTurns(ways, TURNS, ({ work }) => milliseconds(work));
    const against = { name: name("without_figures"), rounds: rounds.get(name("without_figures")) };
    return ways.map((way) =>
      benchValue(way.name, "ms", rounds.get(way.name), way.name === against.name ? undefined : against),
    );
  } finally {
    await opened.close();
  }
}
