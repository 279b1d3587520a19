import type { ReturnSeries } from "./series.ts";

/** One part of a portfolio. */
export interface WeightedSeries {
  /** Share of the portfolio in any unit; only the proportions count. Parts without a positive weight take no part. */
  readonly weight: number;
  readonly series: ReturnSeries;
}

/** Where a part's returns of the common periods stand: from one index on, or at a list of indexes. */
type Places = number | readonly number[];

interface Alignment {
  readonly length: number;
  /** Empty where the parts are matched by index. */
  readonly times: readonly number[];
  /** One per part. */
  readonly places: readonly Places[];
}

function sameTimes(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((time, i) => time === b[i]));
}

/** Times that are in both ascending lists. */
function intersect(a: readonly number[], b: readonly number[]): number[] {
  const common: number[] = [];
  let j = 0;
  for (const time of a) {
    while (j < b.length && (b[j] ?? 0) < time) j++;
    if (b[j] === time) common.push(time);
  }
  return common;
}

/** Where each of `wanted` stands in `times`; both ascending, all wanted times are there. */
function placesOf(times: readonly number[], wanted: readonly number[]): number[] {
  let j = 0;
  return wanted.map((time) => {
    while ((times[j] ?? time) < time) j++;
    return j;
  });
}

function byTime(parts: readonly WeightedSeries[], first: readonly number[]): Alignment {
  let times = first;
  for (const { series } of parts) {
    if (!sameTimes(times, series.timesMs)) times = intersect(times, series.timesMs);
  }
  const places = parts.map(({ series }) =>
    sameTimes(times, series.timesMs) ? 0 : placesOf(series.timesMs, times),
  );
  return { length: times.length, times, places };
}

/** Without times the latest returns are taken to belong to the same period. */
function fromTheEnd(parts: readonly WeightedSeries[]): Alignment {
  const lengths = parts.map(({ series }) => series.returns.length);
  const length = lengths.reduce((least, next) => Math.min(least, next));
  return { length, times: [], places: lengths.map((all) => all - length) };
}

function addShare(sum: number[], returns: readonly number[], places: Places, share: number): void {
  for (let i = 0; i < sum.length; i++) {
    const place = typeof places === "number" ? places + i : (places[i] ?? 0);
    sum[i] = (sum[i] ?? 0) + share * (returns[place] ?? 0);
  }
}

/**
 * Returns of a portfolio with constant weights: Σ weight · return ÷ Σ weight in every period that all parts have.
 *
 * Parts are matched by time where every part has times, else by index counted from the latest return.
 *
 * @returns no periods where the parts have none in common; `undefined` where no part has a positive weight.
 */
export function weightedReturns(all: readonly WeightedSeries[]): ReturnSeries | undefined {
  const parts = all.filter((part) => part.weight > 0);
  const first = parts[0];
  if (first === undefined) return undefined;
  const timed = parts.every(({ series }) => series.timesMs.length > 0);
  const { length, times, places } = timed ? byTime(parts, first.series.timesMs) : fromTheEnd(parts);
  const total = parts.reduce((sum, part) => sum + part.weight, 0);
  const returns = Array.from({ length }, () => 0);
  parts.forEach((part, p) => {
    addShare(returns, part.series.returns, places[p] ?? 0, part.weight / total);
  });
  return { returns, timesMs: times };
}
