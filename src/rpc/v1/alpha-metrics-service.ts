import type { ServiceImpl } from "@connectrpc/connect";
import type { AlphaMetricsService } from "#gen/worldservice/v1/alpha_metrics_service_pb.ts";
import { computeAlpha } from "../../domain/alpha/compute-alpha.ts";
import { METRIC_SPECS } from "../../domain/alpha/metric-spec.ts";
import { parseSeries } from "../../domain/alpha/parse-series.ts";
import { getAlphaMetrics } from "../../orchestration/alpha-metrics/get-alpha-metrics.ts";
import { recordReturns } from "../../orchestration/alpha-metrics/record-returns.ts";
import type { WriteDeps } from "../../orchestration/shared/deps.ts";
import { fromAlphaSeries } from "../alpha/series.ts";
import { callOptions } from "../call-options.ts";
import { required } from "../convert.ts";
import { callerOf } from "../principal.ts";
import { toAlphaMetrics, toComputed, toMetricSpec, toRecorded } from "./convert-alpha.ts";

/** `worldservice.v1.AlphaMetricsService`. */
export function alphaMetricsServiceV1(deps: WriteDeps): ServiceImpl<typeof AlphaMetricsService> {
  return {
    getMetricSpec() {
      return { metrics: METRIC_SPECS.map(toMetricSpec) };
    },
    computeAlphaMetrics({ series, riskFreeRate, transactionCost }) {
      const input = fromAlphaSeries(required(series, "series"));
      const checked = parseSeries(input, "series", { anonymous: true });
      return toComputed(checked, computeAlpha(checked, { riskFreeRate, transactionCost }));
    },
    async recordReturns({ series }, context) {
      const call = { series: series.map(fromAlphaSeries), caller: callerOf(context) };
      const recorded = await recordReturns(deps, call, callOptions(context));
      return { series: recorded.map(toRecorded) };
    },
    async getAlphaMetrics({ worldIds, strategyIds }) {
      const found = await getAlphaMetrics(deps.store, deps.alpha, { worldIds, strategyIds });
      return { alphaMetrics: toAlphaMetrics(found) };
    },
  };
}
