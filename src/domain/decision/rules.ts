import type { MissingMetricMode, Policy, Threshold } from "./policy.ts";
import type { ReasonCode } from "./reason-codes.ts";
import type { Candidate, StageLosses } from "./stages.ts";

/** Metrics that say how old or complete the data is, by the start of their name. */
const CURRENCY_STARTS = ["lag", "stale", "fresh", "as_of", "coverage"];

/** Metrics that say how much was observed, by the start of their name; so does anything about trades. */
const SAMPLE_STARTS = ["sample", "history", "effective_history", "n_trades", "num_trades"];

/** Metrics any of which, above zero, shows that there is a sample at all. */
const SAMPLE_METRICS = [
  "n_trades_total",
  "n_trades_per_year",
  "num_trades",
  "effective_history_years",
  "sample_days",
];

function leafOf(metric: string): string {
  return metric.slice(metric.lastIndexOf(".") + 1).toLowerCase();
}

function isCurrencyMetric({ metric }: Threshold): boolean {
  return CURRENCY_STARTS.some((start) => leafOf(metric).startsWith(start));
}

function isSampleMetric(threshold: Threshold): boolean {
  const name = leafOf(threshold.metric);
  if (isCurrencyMetric(threshold)) return false;
  return name.includes("trade") || SAMPLE_STARTS.some((start) => name.startsWith(start));
}

const MISSING_CURRENCY: Readonly<Record<MissingMetricMode, ReasonCode>> = {
  fail: "missing_metric",
  warn: "missing_metric",
  ignore: "missing_metric_ignored",
};

/** Whether there are metrics at all, and those on the age of the data that the policy asks for. */
export function dataCurrencyCodes({ metrics, outcome }: Candidate, policy: Policy): ReasonCode[] {
  if (metrics.size === 0) return ["metrics_missing"];
  if (outcome.missing.some(isCurrencyMetric)) return [MISSING_CURRENCY[policy.onMissingMetric]];
  return ["data_currency_ok"];
}

/** Whether enough was observed. */
export function sampleCodes({ metrics, outcome }: Candidate, policy: Policy): ReasonCode[] {
  const missingCounts = policy.onMissingMetric === "fail" && outcome.missing.some(isSampleMetric);
  if (missingCounts || outcome.outside.some(isSampleMetric)) return ["sample_thresholds_failed"];
  const observed = SAMPLE_METRICS.some((name) => (metrics.get(name) ?? 0) > 0);
  return [observed ? "sample_ok" : "sample_metrics_missing"];
}

/** Whether every threshold is met, and the rank is high enough. */
export function performanceCodes(
  { id, outcome }: Candidate,
  policy: Policy,
  losses: StageLosses,
): ReasonCode[] {
  const codes: ReasonCode[] = [];
  if (!outcome.passed) codes.push("performance_thresholds_failed");
  if (outcome.missing.length > 0 && policy.onMissingMetric !== "ignore")
    codes.push("performance_metrics_missing");
  if (losses.outsideTopK.has(id)) codes.push("performance_rank_outside_top_k");
  return codes.length > 0 ? codes : ["performance_ok"];
}

/** Whether the strategy adds risk that the policy forbids, or flickers. */
export function riskCodes({ id }: Candidate, policy: Policy, losses: StageLosses): ReasonCode[] {
  if (losses.correlated.has(id)) return ["correlation_constraint_failed"];
  if (losses.exited.has(id)) return ["hysteresis_exit"];
  if (losses.notEntered.has(id)) return ["hysteresis_not_entered"];
  const configured = policy.correlation !== undefined || policy.hysteresis !== undefined;
  return [configured ? "risk_constraints_ok" : "risk_constraints_not_configured"];
}
