import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import type * as v1 from "#gen/worldservice/v1/alpha_metrics_pb.ts";
import type * as v2 from "#gen/worldservice/v2/alpha_metrics_pb.ts";
import type { SeriesInput } from "../../domain/alpha/parse-series.ts";
import type { AlphaSeries } from "../../domain/alpha/series.ts";

/** Years 1 to 9999, in seconds since 1970: what a Timestamp may hold. */
const FIRST_SECOND = -62_135_596_800n;
const LAST_SECOND = 253_402_300_799n;
/** The last of these milliseconds; so far out a double has no microseconds and would round up into the year 10000. */
const LAST_MS = 253_402_300_799_999;

/**
 * Milliseconds since 1970 with three decimals: a double holds microseconds, but no nanoseconds, of today.
 *
 * @returns NaN for what is no time; whoever checks the series names its place.
 */
export function fromTimestamp({ seconds, nanos }: Timestamp): number {
  const isTime = seconds >= FIRST_SECOND && seconds <= LAST_SECOND && nanos >= 0 && nanos < 1_000_000_000;
  if (!isTime) return Number.NaN;
  return Math.min(Number(seconds) * 1000 + Math.floor(nanos / 1000) / 1000, LAST_MS);
}

export function toTimestamp(ms: number): MessageInitShape<typeof TimestampSchema> {
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1000) * 1000) * 1000 };
}

/** A series of either package. Its numbers are not looked at here. */
export function fromAlphaSeries(message: v1.AlphaSeries | v2.AlphaSeries): SeriesInput {
  const { worldId, strategyId, series } = message;
  return {
    worldId,
    strategyId,
    kind: series.case,
    values: series.value?.values ?? [],
    baseEquity: series.case === "pnl" ? series.value.baseEquity : undefined,
    timesMs: message.times.map(fromTimestamp),
  };
}

/** A stored series in v2 shape: only requests of v2 carry series. */
export function toAlphaSeries(series: AlphaSeries): MessageInitShape<typeof v2.AlphaSeriesSchema> {
  const { worldId, strategyId, timesMs } = series;
  return { worldId, strategyId, times: timesMs.map(toTimestamp), series: toValues(series) };
}

function toValues({ kind, values, baseEquity }: AlphaSeries) {
  const numbers = { values: [...values] };
  if (kind === "pnl") return { case: kind, value: { ...numbers, baseEquity: baseEquity ?? 0 } };
  return { case: kind, value: numbers };
}
