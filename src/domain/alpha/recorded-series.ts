import { invalidFields } from "../errors.ts";
import type { AlphaSeries, ReturnSeries } from "./series.ts";
import { toReturns } from "./series.ts";
import { type AlphaStatistics, appendReturns, emptyStatistics } from "./statistics.ts";

/**
 * A series as a store keeps it. Plain JSON. The statistics cover every period ever recorded; of the returns only the
 * latest are kept, for worlds that are put together and for recognising periods that are sent again.
 */
export interface RecordedSeries {
  readonly statistics: AlphaStatistics;
  readonly returns: readonly number[];
  /** End of each kept return's period, milliseconds since 1970, strictly ascending. */
  readonly timesMs: readonly number[];
}

/** What recording did. */
export interface RecordedChange {
  readonly series: RecordedSeries;
  /** Periods that were new; 0 means that nothing has to be stored. */
  readonly appended: number;
}

/** Kept returns per series unless a deployment says otherwise. */
export const DEFAULT_RETENTION = 10_000;

const NOTHING_RECORDED: RecordedSeries = { statistics: emptyStatistics(), returns: [], timesMs: [] };

/** Returns taken from the same levels agree to the bit; from levels that were rounded on the way, almost. */
const SAME_RETURN = 1e-12;

function sameReturn(a: number, b: number): boolean {
  return Math.abs(a - b) <= SAME_RETURN * Math.max(1, Math.abs(a), Math.abs(b));
}

/** Index of the first incoming period after the last recorded one. */
function firstNew(times: readonly number[], last: number | undefined): number {
  if (last === undefined) return 0;
  const index = times.findIndex((time) => time > last);
  return index === -1 ? times.length : index;
}

/** What is wrong with a period at or before the last recorded one; nothing when it repeats what is recorded. */
function repeatProblem(
  recorded: RecordedSeries,
  known: ReadonlyMap<number, number>,
  time: number,
  value: number,
) {
  const before = known.get(time);
  if (before !== undefined) {
    return sameReturn(before, value) ? undefined : "is recorded already, with another return";
  }
  // Periods older than the kept ones were recorded and dropped; they cannot be compared any more.
  return time < (recorded.timesMs[0] ?? time)
    ? undefined
    : "lies between recorded periods; periods are only appended";
}

function checkRepeats(recorded: RecordedSeries, incoming: ReturnSeries, end: number, path: string): void {
  if (end === 0) return;
  const known = new Map(recorded.timesMs.map((time, i) => [time, recorded.returns[i] ?? 0]));
  for (let i = 0; i < end; i++) {
    const problem = repeatProblem(recorded, known, incoming.timesMs[i] ?? 0, incoming.returns[i] ?? 0);
    if (problem === undefined) continue;
    throw invalidFields([{ field: `${path}.times`, description: `the period of return ${i} ${problem}` }]);
  }
}

/**
 * The recorded series after more periods.
 *
 * Idempotent: periods that are recorded already, with the same return, change nothing, so a batch can be sent again or
 * overlap the one before (levels must overlap by one, for the first level opens the first period).
 *
 * @param recorded what is stored; `undefined` for nothing.
 * @param incoming a checked series with times.
 * @param retention how many returns are kept, 1 or more.
 * @param path proto path of the series, for errors.
 * @throws DomainError INVALID_FIELD when a period is recorded with another return, or lies between recorded ones.
 */
export function recordReturns(
  recorded: RecordedSeries | undefined,
  incoming: AlphaSeries,
  path: string,
  retention: number = DEFAULT_RETENTION,
): RecordedChange {
  const before = recorded ?? NOTHING_RECORDED;
  const fresh = toReturns(incoming);
  const start = firstNew(fresh.timesMs, before.timesMs.at(-1));
  checkRepeats(before, fresh, start, path);
  const appended = fresh.returns.length - start;
  if (appended === 0) return { series: before, appended };
  const added = fresh.returns.slice(start);
  const series = {
    statistics: appendReturns(before.statistics, added),
    returns: [...before.returns, ...added].slice(-retention),
    timesMs: [...before.timesMs, ...fresh.timesMs.slice(start)].slice(-retention),
  };
  return { series, appended };
}
