import type { ReturnSeries } from "../../domain/alpha/series.ts";
import type { Store } from "../../ports/store.ts";
import { type BudgetedCache, createBudgetedCache } from "./budgeted-cache.ts";
import { readReturns, type SeriesPair, seriesKey } from "./series-docs.ts";
import type { KeptStatistics } from "./statistics-reader.ts";

/** A pair that has a series, with its statistics. */
export interface WantedReturns extends SeriesPair {
  readonly kept: KeptStatistics;
}

export interface ReturnsReader {
  /** @returns the kept returns of each pair, in its order; undefined for one that was taken away meanwhile. */
  load(wanted: readonly WantedReturns[]): Promise<readonly (ReturnSeries | undefined)[]>;
}

/** Numbers remembered: 16 bytes a return with its time, so 256 MiB at most. */
const MAX_RETURNS = 16_000_000;
/** Series per read: a long read keeps everybody else waiting. */
const BATCH = 500;

/** Remembered by the statistics they belong to: these are a new object as soon as something else was recorded. */
type ReturnsCache = BudgetedCache<KeptStatistics, ReturnSeries>;

/** Reads returns through a memory. They are many, and needed only where a world is put together from its strategies. */
export function createReturnsReader(store: Store): ReturnsReader {
  const cache: ReturnsCache = createBudgetedCache(MAX_RETURNS);
  return {
    async load(wanted) {
      const found = wanted.map(({ kept }) => cache.get(kept));
      const open = [...wanted.keys()].filter((i) => found[i] === undefined);
      for (let from = 0; from < open.length; from += BATCH) {
        const batch = open.slice(from, from + BATCH);
        const read = await readBatch(
          store,
          cache,
          batch.map((i) => wanted[i] as WantedReturns),
        );
        batch.forEach((i, at) => {
          found[i] = read[at];
        });
      }
      return found;
    },
  };
}

async function readBatch(
  store: Store,
  cache: ReturnsCache,
  batch: readonly WantedReturns[],
): Promise<(ReturnSeries | undefined)[]> {
  const { docs } = await store.read({ keys: batch.map(seriesKey) });
  const times = new Map<string, readonly number[]>();
  return batch.map(({ kept }, i) => {
    const doc = docs[i];
    if (doc === undefined) return undefined;
    const series = withSharedTimes(readReturns(doc), times);
    if (doc.version === kept.version) cache.set(kept, series, series.returns.length);
    return series;
  });
}

/** Series of one world mostly have the same times: one list serves them all, and is seen to be equal at a glance. */
function withSharedTimes(series: ReturnSeries, seen: Map<string, readonly number[]>): ReturnSeries {
  const { returns, timesMs } = series;
  const name = `${timesMs.length} ${timesMs[0]} ${timesMs.at(-1)}`;
  const other = seen.get(name);
  if (other?.every((time, i) => time === timesMs[i])) return { returns, timesMs: other };
  seen.set(name, timesMs);
  return series;
}
