import { type AlphaCalculator, askCalculator } from "../alpha/calculator.ts";
import { linearityFigures } from "../alpha/linearity.ts";
import { type LinearityKey, PORTFOLIO_PREFIX } from "../alpha/metric-spec.ts";
import { type AlphaSeries, equityToReturns, type ReturnSeries, toCurve, toReturns } from "../alpha/series.ts";
import { weightedReturns } from "../alpha/weighted-returns.ts";

/** Strategy → metric → value. */
export type StrategyMetrics = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Of the portfolio's linearity only these are written. */
const PORTFOLIO_LINEARITY: readonly LinearityKey[] = [
  "el_v1_score",
  "el_v2_score",
  "el_v2_tvr",
  "el_v2_tuw",
  "el_v2_mdd_norm",
];

/** A shorter curve has no direction, and its strategy stays as it is. */
const MIN_CURVE = 2;

interface Judged {
  readonly series: AlphaSeries;
  readonly curve: readonly number[];
}

/** Sum of the curves, level by level from the first on, as long as the shortest. */
function sumCurves(judged: readonly Judged[]): number[] {
  const length = judged.reduce((least, { curve }) => Math.min(least, curve.length), Number.POSITIVE_INFINITY);
  return Array.from({ length }, (_, i) => judged.reduce((sum, { curve }) => sum + (curve[i] ?? 0), 0));
}

/**
 * Returns of the portfolio. Levels add up to the level of the whole, which is what holding them all returns; returns
 * and profits do not, and are averaged with equal weights instead.
 */
function portfolioReturns(judged: readonly Judged[], curve: readonly number[]): ReturnSeries {
  if (judged.every(({ series }) => series.kind === "equity")) {
    return { returns: equityToReturns(curve), timesMs: [] };
  }
  const parts = judged.map(({ series }) => ({ weight: 1, series: toReturns(series) }));
  return weightedReturns(parts) ?? { returns: [], timesMs: [] };
}

/** Figures of all judged strategies together, under the portfolio's prefix. */
function portfolioFigures(judged: readonly Judged[], calculator: AlphaCalculator): Map<string, number> {
  const curve = sumCurves(judged);
  const linearity = linearityFigures(curve);
  const figures = new Map<string, number>();
  for (const key of PORTFOLIO_LINEARITY) figures.set(`${PORTFOLIO_PREFIX}${key}`, linearity.get(key) ?? 0);
  const worldId = judged[0]?.series.worldId ?? "";
  const alpha = askCalculator(calculator, {
    worldId,
    strategyId: "",
    series: portfolioReturns(judged, curve),
  });
  for (const [key, value] of alpha.metrics) figures.set(`${PORTFOLIO_PREFIX}${key}`, value);
  return figures;
}

function ownFigures({ series, curve }: Judged, calculator: AlphaCalculator): Map<string, number> {
  const { worldId, strategyId } = series;
  const alpha = askCalculator(calculator, { worldId, strategyId, series: toReturns(series) });
  return new Map<string, number>([...linearityFigures(curve), ...alpha.metrics]);
}

/**
 * The metrics of an evaluation with everything that follows from the series: linearity and alpha figures of each
 * strategy, and those of all of them together under `portfolio_`.
 *
 * What a caller sent stands: a metric given by name is not replaced by a computed one, and nothing of the portfolio
 * ever replaces a strategy's own. A strategy known only by its series takes part as well. Series of fewer than two
 * levels say nothing and add nothing.
 *
 * @param metrics metrics as sent, by strategy.
 * @param series checked series of strategies of one world; those without a strategy are not looked at.
 */
export function augmentMetrics(
  metrics: StrategyMetrics,
  series: readonly AlphaSeries[],
  calculator: AlphaCalculator,
): StrategyMetrics {
  const augmented = new Map<string, Map<string, number>>();
  for (const [id, given] of metrics) augmented.set(id, new Map(given));
  const ofStrategies = series.filter(({ strategyId }) => strategyId !== "");
  for (const { strategyId } of ofStrategies) {
    if (!augmented.has(strategyId)) augmented.set(strategyId, new Map());
  }
  const judged = ofStrategies
    .map((one): Judged => ({ series: one, curve: toCurve(one) }))
    .filter(({ curve }) => curve.length >= MIN_CURVE);
  if (judged.length === 0) return augmented;
  const portfolio = portfolioFigures(judged, calculator);
  for (const one of judged) {
    const given = augmented.get(one.series.strategyId) ?? new Map<string, number>();
    const all = new Map([...portfolio, ...ownFigures(one, calculator), ...given]);
    augmented.set(one.series.strategyId, all);
  }
  return augmented;
}
