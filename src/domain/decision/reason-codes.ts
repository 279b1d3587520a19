/**
 * Why a strategy is active or not. Every evaluated strategy gets at least one code of each of the five groups, in their
 * order: data currency, sample, performance, risk, robustness.
 */
export const REASON_CODES = [
  "data_currency_ok",
  "metrics_missing",
  "missing_metric",
  "missing_metric_ignored",
  "sample_ok",
  "sample_thresholds_failed",
  "sample_metrics_missing",
  "performance_ok",
  "performance_thresholds_failed",
  "performance_metrics_missing",
  "performance_rank_outside_top_k",
  "correlation_constraint_failed",
  "hysteresis_exit",
  "hysteresis_not_entered",
  "risk_constraints_ok",
  "risk_constraints_not_configured",
  "robustness_ok",
  "rule_error",
] as const;

export type ReasonCode = (typeof REASON_CODES)[number];
