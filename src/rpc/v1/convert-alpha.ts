import type { MessageInitShape } from "@bufbuild/protobuf";
import { type AlphaMetricsSchema, MissingReason } from "#gen/worldservice/v1/alpha_metrics_pb.ts";
import type {
  ComputeAlphaMetricsResponseSchema,
  MetricSpecSchema,
  RecordedSeriesSchema,
} from "#gen/worldservice/v1/alpha_metrics_service_pb.ts";
import type { ComputedAlpha } from "../../domain/alpha/compute-alpha.ts";
import { ALPHA_KEYS, type MetricSpec } from "../../domain/alpha/metric-spec.ts";
import { type AlphaSeries, toCurve } from "../../domain/alpha/series.ts";
import type { AlphaEnvelope, MissingSeries } from "../../domain/events/types.ts";
import type { RecordedPair } from "../../orchestration/alpha-metrics/record-returns.ts";
import { toStrategyFigures, toWorldFigures } from "../alpha/figures.ts";
import { toTimestamp } from "../alpha/series.ts";
import { toMap } from "../convert.ts";

function toMissing({ worldId, strategyId, reason, metrics }: MissingSeries) {
  return { worldId, strategyId, reason: MissingReason[reason], metrics: [...metrics] };
}

/** Figures of worlds and strategies. */
export function toAlphaMetrics(envelope: AlphaEnvelope): MessageInitShape<typeof AlphaMetricsSchema> {
  return {
    perWorld: toWorldFigures(envelope.perWorld),
    perStrategy: toStrategyFigures(envelope.perStrategy),
    missing: envelope.missing.map(toMissing),
  };
}

export function toMetricSpec(spec: MetricSpec): MessageInitShape<typeof MetricSpecSchema> {
  const { key, unit, range, formula, defaultValue, missingRule } = spec;
  return { key, unit, range, formula, defaultValue, missingRule };
}

/** Fewer levels have no direction at all. */
const MIN_CURVE = 2;

export function toComputed(
  series: AlphaSeries,
  { alpha, linearity }: ComputedAlpha,
): MessageInitShape<typeof ComputeAlphaMetricsResponseSchema> {
  const { worldId, strategyId } = series;
  return {
    alphaPerformance: { metrics: toMap(alpha.metrics) },
    linearity: toCurve(series).length < MIN_CURVE ? {} : toMap(linearity),
    missing: alpha.missing.map(({ reason, metrics }) =>
      toMissing({
        worldId,
        strategyId,
        reason,
        metrics: metrics.length === ALPHA_KEYS.length ? [] : metrics,
      }),
    ),
  };
}

export function toRecorded({ series, change }: RecordedPair): MessageInitShape<typeof RecordedSeriesSchema> {
  const { returns, timesMs } = change.series;
  const [first, last] = [timesMs[0], timesMs.at(-1)];
  return {
    worldId: series.worldId,
    strategyId: series.strategyId,
    points: returns.length,
    ...(first !== undefined && { firstTime: toTimestamp(first) }),
    ...(last !== undefined && { lastTime: toTimestamp(last) }),
  };
}
