import { carMdd } from "./car-mdd.ts";
import { maxDrawdown } from "./max-drawdown.ts";
import { ALPHA_KEYS, ALPHA_SPECS, type AlphaKey } from "./metric-spec.ts";
import { profitFactor } from "./profit-factor.ts";
import { rarMdd } from "./rar-mdd.ts";
import { sharpe } from "./sharpe.ts";
import { type AlphaStatistics, appendReturns, emptyStatistics } from "./statistics.ts";
import { winRatio } from "./win-ratio.ts";

/** Why a figure is 0.0 without having been measured. */
export const MISSING_REASONS = ["NO_SERIES", "TOO_FEW_POINTS", "NOT_COMPUTABLE"] as const;

/**
 * `NO_SERIES`: nothing stored and nothing sent. `TOO_FEW_POINTS`: fewer periods than the figure needs.
 * `NOT_COMPUTABLE`: the formula has no finite value, as a ratio over no loss, no drawdown or no spread.
 */
export type MissingReason = (typeof MISSING_REASONS)[number];

/** Figures that are 0.0 because they are unknown. */
export interface MissingFigures {
  readonly reason: MissingReason;
  /** The figures concerned, in the order of the table. */
  readonly metrics: readonly AlphaKey[];
}

/** The six figures of one series. */
export interface AlphaResult {
  /** Exactly the six keys, in the order of the table, every value finite. */
  readonly metrics: ReadonlyMap<AlphaKey, number>;
  /** Which of them are unknown, one entry per reason; empty when all were measured. */
  readonly missing: readonly MissingFigures[];
}

/** Rates that a caller may set against the returns. */
export interface AlphaRates {
  /** Ratio per period, finite. Default 0. */
  readonly riskFreeRate?: number;
  /** Ratio per period, finite. Default 0. */
  readonly transactionCost?: number;
}

type Formula = (statistics: AlphaStatistics, riskFreeRate: number) => number | undefined;

const FORMULAS: Readonly<Record<AlphaKey, Formula>> = {
  "alpha_performance.sharpe": sharpe,
  "alpha_performance.max_drawdown": maxDrawdown,
  "alpha_performance.win_ratio": winRatio,
  "alpha_performance.profit_factor": profitFactor,
  "alpha_performance.car_mdd": carMdd,
  "alpha_performance.rar_mdd": rarMdd,
};

/** Joins figures and reasons into a result, whatever is unknown becoming 0.0. */
export function alphaResult(answer: (key: AlphaKey) => number | MissingReason): AlphaResult {
  const metrics = new Map<AlphaKey, number>();
  const byReason = new Map<MissingReason, AlphaKey[]>();
  for (const key of ALPHA_KEYS) {
    const value = answer(key);
    metrics.set(key, typeof value === "number" ? value : 0);
    if (typeof value === "number") continue;
    const keys = byReason.get(value);
    if (keys === undefined) byReason.set(value, [key]);
    else keys.push(key);
  }
  const missing = MISSING_REASONS.flatMap((reason) => {
    const keys = byReason.get(reason);
    return keys === undefined ? [] : [{ reason, metrics: keys }];
  });
  return { metrics, missing };
}

/** Six zeros, all unknown for one reason. */
export function unknownAlpha(reason: MissingReason): AlphaResult {
  return alphaResult(() => reason);
}

const MIN_POINTS: ReadonlyMap<AlphaKey, number> = new Map(
  ALPHA_SPECS.map((spec) => [spec.key, spec.minPoints]),
);

/**
 * The six figures of a series that was counted before.
 *
 * @param riskFreeRate ratio per period, finite.
 */
export function measureAlpha(statistics: AlphaStatistics, riskFreeRate = 0): AlphaResult {
  return alphaResult((key) => {
    if (statistics.periods < (MIN_POINTS.get(key) ?? 0)) return "TOO_FEW_POINTS";
    const value = FORMULAS[key](statistics, riskFreeRate);
    // `-0` is a zero nobody can tell from 0 on the wire, but a map compared in a test can.
    return value !== undefined && Number.isFinite(value) ? value + 0 : "NOT_COMPUTABLE";
  });
}

/**
 * The six figures of a whole series.
 *
 * Gaps (NaN) and infinities are not periods and are left out here; the edge of the service refuses them, so that this
 * concerns only callers inside the house.
 *
 * @param returns simple returns per period as ratios, oldest first.
 */
export function alphaPerformance(returns: readonly number[], rates: AlphaRates = {}): AlphaResult {
  const periods = returns.every(Number.isFinite) ? returns : returns.filter(Number.isFinite);
  const statistics = appendReturns(emptyStatistics(rates.transactionCost ?? 0), periods);
  return measureAlpha(statistics, rates.riskFreeRate ?? 0);
}
