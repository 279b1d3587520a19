/**
 * What alpha and linearity figures cost. Every way is checked once against the ordinary one before it is timed, and all
 * of them are timed in turns, so that a slow moment of the machine meets every one alike.
 */
import { deepStrictEqual } from "node:assert";
import { alphaPerformance, measureAlpha } from "../../src/domain/alpha/alpha-performance.ts";
import {
  type AlphaScope,
  buildAlphaEnvelope,
  NOTHING_STORED,
  type StoredAlpha,
} from "../../src/domain/alpha/build-envelope.ts";
import { defaultAlphaCalculator } from "../../src/domain/alpha/calculator.ts";
import { linearityFigures } from "../../src/domain/alpha/linearity.ts";
import { type AlphaStatistics, appendReturns, emptyStatistics } from "../../src/domain/alpha/statistics.ts";

/** One measured value, in the form of the benchmark report. */
export interface BenchValue {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** value ÷ that of `against`, from the same run. */
  readonly ratio?: number;
  readonly against?: string;
}

interface Way {
  readonly name: string;
  /** How many units `work` gets through in one call. */
  readonly units: number;
  readonly unit: string;
  readonly against?: string;
  readonly work: () => unknown;
}

const POINTS = 1000;
const STRATEGIES = 10_000;
const ROUNDS = 9;
const ROUND_NS = 40_000_000n;

/** Seeded noise: the same numbers in every run. */
function noise(length: number): number[] {
  let state = 12345;
  return Array.from({ length }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return (state / 2_147_483_648 - 0.49) * 0.02;
  });
}

function oneByOne(returns: readonly number[]): AlphaStatistics {
  let statistics = emptyStatistics();
  for (const value of returns) statistics = appendReturns(statistics, [value]);
  return statistics;
}

/** The least that any figure costs: reading every return once. */
function sum(returns: readonly number[]): number {
  let total = 0;
  for (const value of returns) total += value;
  return total;
}

function runningSum(returns: readonly number[]): number[] {
  let level = 100;
  return returns.map((value) => {
    level += value;
    return level;
  });
}

function manyStrategies(): { scopes: AlphaScope[]; stored: StoredAlpha } {
  const kept = appendReturns(emptyStatistics(), noise(POINTS));
  const strategyIds = Array.from({ length: STRATEGIES }, (_, i) => `strategy-${i}`);
  const scopes = [{ worldId: "w", strategyIds, weights: new Map<string, number>() }];
  return { scopes, stored: { ...NOTHING_STORED, statistics: () => kept } };
}

function ways(): Way[] {
  const returns = noise(POINTS);
  const curve = runningSum(returns);
  const kept = appendReturns(emptyStatistics(), returns);
  const { scopes, stored } = manyStrategies();
  const envelope = { scopes, requested: [], stored, calculator: defaultAlphaCalculator };
  deepStrictEqual(measureAlpha(oneByOne(returns)), alphaPerformance(returns));
  deepStrictEqual(buildAlphaEnvelope(envelope).perWorld.get("w"), alphaPerformance(returns).metrics);
  const point = { units: POINTS, unit: "ns/point" };
  const bare = "alpha.sum_of_returns";
  return [
    { ...point, name: bare, work: () => sum(returns) },
    { ...point, name: "alpha.six_figures.batch", against: bare, work: () => alphaPerformance(returns) },
    {
      ...point,
      name: "alpha.six_figures.one_by_one",
      against: "alpha.six_figures.batch",
      work: () => oneByOne(returns),
    },
    { name: "alpha.six_figures.read", units: 1, unit: "ns/series", work: () => measureAlpha(kept) },
    { ...point, name: "alpha.linearity.batch", against: bare, work: () => linearityFigures(curve) },
    {
      name: "alpha.envelope.10000_strategies",
      units: STRATEGIES,
      unit: "ns/strategy",
      work: () => buildAlphaEnvelope(envelope),
    },
  ];
}

/** Nanoseconds per unit over one round. */
function timeRound({ work, units }: Way): number {
  const start = process.hrtime.bigint();
  let calls = 0;
  let spent = 0n;
  while (spent < ROUND_NS) {
    work();
    calls++;
    spent = process.hrtime.bigint() - start;
  }
  return Number(spent) / (calls * units);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** Measures every way: one round each to warm up, then the median of several rounds in turns. */
export async function run(): Promise<BenchValue[]> {
  const all = ways();
  const rounds = new Map<string, number[]>(all.map(({ name }) => [name, []]));
  for (const way of all) timeRound(way);
  for (let round = 0; round < ROUNDS; round++) {
    for (const way of all) rounds.get(way.name)?.push(timeRound(way));
  }
  const medians = new Map([...rounds].map(([name, values]) => [name, median(values)]));
  return all.map(({ name, unit, against }) => {
    const value = medians.get(name) ?? Number.NaN;
    if (against === undefined) return { name, value, unit };
    return { name, value, unit, ratio: value / (medians.get(against) ?? Number.NaN), against };
  });
}
