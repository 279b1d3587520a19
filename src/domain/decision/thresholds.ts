import type { Policy, Threshold } from "./policy.ts";

/** How a strategy stands to the thresholds of a policy. */
export interface ThresholdOutcome {
  /** Whether no threshold keeps it out. */
  readonly passed: boolean;
  /** Thresholds whose metric lies outside the bounds. */
  readonly outside: readonly Threshold[];
  /** Thresholds whose metric the strategy does not have. */
  readonly missing: readonly Threshold[];
}

function isOutside(threshold: Threshold, value: number): boolean {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = threshold;
  return value < min || value > max;
}

/** Compares a strategy's flattened metrics with every threshold. Bounds are inclusive. */
export function judgeThresholds(metrics: ReadonlyMap<string, number>, policy: Policy): ThresholdOutcome {
  const outside: Threshold[] = [];
  const missing: Threshold[] = [];
  for (const threshold of policy.thresholds.values()) {
    const value = metrics.get(threshold.metric);
    if (value === undefined) missing.push(threshold);
    else if (isOutside(threshold, value)) outside.push(threshold);
  }
  const stopsForMissing = policy.onMissingMetric === "fail" && missing.length > 0;
  return { passed: outside.length === 0 && !stopsForMissing, outside, missing };
}
