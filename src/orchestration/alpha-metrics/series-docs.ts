import type { Recorded, RecordedSeries } from "../../domain/alpha/recorded-series.ts";
import type { ReturnSeries } from "../../domain/alpha/series.ts";
import type { AlphaStatistics } from "../../domain/alpha/statistics.ts";
import type { Doc, DocKey, DocPut } from "../../ports/store.ts";
import { worldKey } from "../shared/keys.ts";

/**
 * How series are kept. The returns of a pair (world, strategy; empty for the world itself) and their statistics are
 * documents of their own, always written together: plans read statistics only. A marker per world changes with every
 * recording in it, so that one small read tells whether anything remembered of the world still holds.
 */

/** One world or one strategy in it. */
export interface SeriesPair {
  readonly worldId: string;
  /** Empty for the world itself. */
  readonly strategyId: string;
}

export function seriesKey({ worldId, strategyId }: SeriesPair): DocKey {
  return { kind: "series", scope: worldId, id: strategyId };
}

export function statisticsKey({ worldId, strategyId }: SeriesPair): DocKey {
  return { kind: "series_stats", scope: worldId, id: strategyId };
}

export function markerKey(worldId: string): DocKey {
  return worldKey("series_world", worldId);
}

/** Tells two states of a world's series apart, even where a store lost commits and counts their revisions again. */
export function markOf(marker: Doc | undefined): string {
  return marker === undefined ? "" : `${marker.version} ${marker.body}`;
}

interface StoredSeries extends Omit<RecordedSeries, "returns" | "timesMs"> {
  readonly returns: string;
  readonly timesMs: string;
}

/** Numbers as the text of their bytes: half as long as digits, and read ten times as fast. */
function pack(numbers: readonly number[]): string {
  return Buffer.from(Float64Array.from(numbers).buffer).toString("base64");
}

function unpack(text: string): number[] {
  // A copy of its own: small buffers share one, at places where no double can stand.
  const bytes = Uint8Array.prototype.slice.call(Buffer.from(text, "base64"));
  const doubles = new Float64Array(bytes.buffer, 0, bytes.length >> 3);
  const numbers: number[] = [];
  // Five times as fast as Array.from, and these are read by the million.
  for (let i = 0; i < doubles.length; i++) numbers.push(doubles[i] ?? 0);
  return numbers;
}

/** The two documents of a pair. */
export function recordedPuts(pair: SeriesPair, { series, statistics }: Recorded): DocPut[] {
  const { dropped, droppedUntilMs, returns, timesMs } = series;
  const body: StoredSeries = {
    dropped,
    returns: pack(returns),
    timesMs: pack(timesMs),
    ...(droppedUntilMs === undefined ? {} : { droppedUntilMs }),
  };
  return [
    { key: seriesKey(pair), body: JSON.stringify(body) },
    { key: statisticsKey(pair), body: JSON.stringify(statistics) },
  ];
}

export function readStatistics(doc: Doc): AlphaStatistics {
  return JSON.parse(doc.body);
}

/** @param series undefined where the pair has none. */
export function readRecorded(series: Doc | undefined, statistics: Doc | undefined): Recorded | undefined {
  if (series === undefined || statistics === undefined) return undefined;
  const stored: StoredSeries = JSON.parse(series.body);
  const kept = { ...stored, returns: unpack(stored.returns), timesMs: unpack(stored.timesMs) };
  return { series: kept, statistics: readStatistics(statistics) };
}

/** Only the kept returns with their times. */
export function readReturns(doc: Doc): ReturnSeries {
  const { returns, timesMs }: StoredSeries = JSON.parse(doc.body);
  return { returns: unpack(returns), timesMs: unpack(timesMs) };
}
