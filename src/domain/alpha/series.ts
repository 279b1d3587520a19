/** What the numbers of a series are. */
export type SeriesKind = "returns" | "equity" | "pnl";

/** A performance series that passed the checks of `parse-series.ts`. Oldest value first. */
export interface AlphaSeries {
  readonly worldId: string;
  /** Empty for the world's own series. */
  readonly strategyId: string;
  readonly kind: SeriesKind;
  /** Simple returns as ratios, levels above 0, or profits per period in currency. All finite. */
  readonly values: readonly number[];
  /** Only for `pnl`: the capital the profits were earned on, in their currency, > 0. */
  readonly baseEquity?: number;
  /** End of each value's period, milliseconds since 1970, strictly ascending, one per value; or empty. */
  readonly timesMs: readonly number[];
}

/** Simple returns per period, oldest first, with their times where these are known (else empty). */
export interface ReturnSeries {
  readonly returns: readonly number[];
  readonly timesMs: readonly number[];
}

/**
 * Returns between neighbouring levels: (current − previous) / previous.
 *
 * Gaps (`null`, NaN) are left out first. From a level of 0 the return is 0 to another 0 and infinite to anything else;
 * series from outside hold no such level.
 */
export function equityToReturns(levels: readonly (number | null | undefined)[]): number[] {
  const returns: number[] = [];
  let previous: number | undefined;
  for (const level of levels) {
    if (level === null || level === undefined || Number.isNaN(level)) continue;
    if (previous !== undefined) returns.push(returnBetween(previous, level));
    previous = level;
  }
  return returns;
}

function returnBetween(previous: number, current: number): number {
  if (previous !== 0) return (current - previous) / previous;
  return current === 0 ? 0 : Number.POSITIVE_INFINITY;
}

/**
 * The returns of a series.
 *
 * Profits are divided by one constant base: the figures then add up over periods just as the additive drawdown does.
 * Whoever wants them compounded sends the equity.
 */
export function toReturns(series: AlphaSeries): ReturnSeries {
  switch (series.kind) {
    case "returns":
      return { returns: series.values, timesMs: series.timesMs };
    case "equity":
      // The first level opens the first period, so its time belongs to no return.
      return { returns: equityToReturns(series.values), timesMs: series.timesMs.slice(1) };
    case "pnl": {
      const base = series.baseEquity ?? Number.NaN;
      return { returns: series.values.map((profit) => profit / base), timesMs: series.timesMs };
    }
  }
}

/** The curve whose straightness is judged: the levels themselves, or the running sum of returns or profits. */
export function toCurve(series: AlphaSeries): readonly number[] {
  if (series.kind === "equity") return series.values;
  let sum = 0;
  return series.values.map((value) => {
    sum += value;
    return sum;
  });
}
