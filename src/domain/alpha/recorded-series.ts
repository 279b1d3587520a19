import { type AlphaSeries, type ReturnSeries, toReturns } from "./series.ts";
import { type AlphaStatistics, appendReturns, emptyStatistics } from "./statistics.ts";

/**
 * A series as a store keeps it: the latest returns, and the statistics of those that were dropped before them. The
 * statistics of the whole are those of the dropped ones, counted on over the kept ones.
 */
export interface RecordedSeries {
  readonly dropped: AlphaStatistics;
  /** End of the newest dropped period; absent where none was dropped or the series has no times. */
  readonly droppedUntilMs?: number;
  readonly returns: readonly number[];
  /** End of each kept return's period, milliseconds since 1970, strictly ascending; empty for a series without times. */
  readonly timesMs: readonly number[];
}

/** A recorded series with the statistics of every period ever recorded in it. */
export interface Recorded {
  readonly series: RecordedSeries;
  readonly statistics: AlphaStatistics;
}

/** What recording did. */
export interface RecordedChange extends Recorded {
  /** False where everything was recorded before: nothing has to be stored. */
  readonly changed: boolean;
}

/** Kept returns per series unless a deployment says otherwise. */
export const DEFAULT_RETENTION = 10_000;

const NOTHING: RecordedSeries = { dropped: emptyStatistics(), returns: [], timesMs: [] };

/**
 * The recorded series after more values came.
 *
 * Values with times are merged by time, a new value for a known time replacing the old one; values at or before the
 * newest dropped time are passed over, for what they replaced is not kept any more. A series without times replaces
 * the recorded one whole, and one with times does where the recorded one has none. The same values again change
 * nothing.
 *
 * Appending counts on from the statistics there are, in time linear in the new values but for copying the kept ones;
 * replacing and inserting count the kept returns anew. Either way the statistics are those of the whole series in
 * order of time, to the bit.
 *
 * @param before what is stored; `undefined` for nothing.
 * @param incoming a checked series.
 * @param retention how many returns are kept, 1 or more.
 */
export function recordReturns(
  before: Recorded | undefined,
  incoming: AlphaSeries,
  retention: number = DEFAULT_RETENTION,
): RecordedChange {
  const fresh = toReturns(incoming);
  if (before === undefined || !canMerge(before.series, fresh)) return replaceWhole(before, fresh, retention);
  const merged = mergeByTime(before.series, fresh);
  const same = sameStart(before.series, merged);
  const kept = before.series.returns.length;
  if (same === kept && merged.returns.length === kept) return { ...before, changed: false };
  const statistics =
    same === kept
      ? appendReturns(before.statistics, merged.returns.slice(kept))
      : appendReturns(before.series.dropped, merged.returns);
  return { series: trimmed({ ...before.series, ...merged }, retention), statistics, changed: true };
}

function canMerge(series: RecordedSeries, fresh: ReturnSeries): boolean {
  const isUndated = series.timesMs.length === 0 && series.droppedUntilMs === undefined;
  return fresh.timesMs.length > 0 && !isUndated;
}

function replaceWhole(
  before: Recorded | undefined,
  { returns, timesMs }: ReturnSeries,
  retention: number,
): RecordedChange {
  const series = trimmed({ ...NOTHING, returns, timesMs }, retention);
  const statistics = appendReturns(NOTHING.dropped, returns);
  if (before !== undefined && isSame(before, { series, statistics })) return { ...before, changed: false };
  return { series, statistics, changed: true };
}

function isSame(a: Recorded, b: Recorded): boolean {
  return (
    sameNumbers(Object.values(a.statistics), Object.values(b.statistics)) &&
    sameNumbers(Object.values(a.series.dropped), Object.values(b.series.dropped)) &&
    sameNumbers(a.series.returns, b.series.returns) &&
    sameNumbers(a.series.timesMs, b.series.timesMs)
  );
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/** Both in order of time; where both have one, the fresh return stands. */
function mergeByTime(series: RecordedSeries, fresh: ReturnSeries): ReturnSeries {
  const returns: number[] = [];
  const timesMs: number[] = [];
  const take = (from: ReturnSeries, i: number): void => {
    returns.push(from.returns[i] ?? 0);
    timesMs.push(from.timesMs[i] ?? 0);
  };
  const oldest = series.droppedUntilMs ?? Number.NEGATIVE_INFINITY;
  let old = 0;
  fresh.timesMs.forEach((time, i) => {
    if (time <= oldest) return;
    while (old < series.timesMs.length && (series.timesMs[old] ?? 0) < time) take(series, old++);
    if (series.timesMs[old] === time) old++;
    take(fresh, i);
  });
  while (old < series.timesMs.length) take(series, old++);
  return { returns, timesMs };
}

/** How many periods at the start of `merged` are those of `series`, time and return. */
function sameStart(series: RecordedSeries, merged: ReturnSeries): number {
  let same = 0;
  while (
    same < series.returns.length &&
    series.returns[same] === merged.returns[same] &&
    series.timesMs[same] === merged.timesMs[same]
  ) {
    same++;
  }
  return same;
}

/** Drops the oldest returns beyond the retention, into the statistics of the dropped. */
function trimmed(series: RecordedSeries, retention: number): RecordedSeries {
  const excess = series.returns.length - retention;
  if (excess <= 0) return series;
  const last = series.timesMs[excess - 1];
  return {
    dropped: appendReturns(series.dropped, series.returns.slice(0, excess)),
    returns: series.returns.slice(excess),
    timesMs: series.timesMs.slice(excess),
    ...(last === undefined ? {} : { droppedUntilMs: last }),
  };
}
