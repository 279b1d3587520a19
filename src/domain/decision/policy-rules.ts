import type { JsonObject } from "../json.ts";
import type { Policy } from "./policy.ts";

/**
 * The rules of a policy in the form in which callers write them, with presets and selections worked in: policies that
 * mean the same give the same rules. What a policy does not use is left out; `parsePolicy` reads it back.
 */
export function policyRules(policy: Policy): JsonObject {
  const { thresholds, topK, correlation, hysteresis, onMissingMetric } = policy;
  return {
    ...(thresholds.size > 0 && {
      thresholds: Object.fromEntries([...thresholds].map(([name, threshold]) => [name, { ...threshold }])),
    }),
    ...(topK && { top_k: { ...topK } }),
    ...(correlation && { correlation: { ...correlation } }),
    ...(hysteresis && { hysteresis: { ...hysteresis } }),
    ...(onMissingMetric !== "fail" && { validation: { on_missing_metric: onMissingMetric } }),
  };
}
