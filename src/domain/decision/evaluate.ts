import { sortedByKey } from "../text.ts";
import { type Correlation, correlationTable } from "./correlations.ts";
import { flattenMetrics } from "./flatten-metrics.ts";
import type { Policy } from "./policy.ts";
import type { ReasonCode } from "./reason-codes.ts";
import { dataCurrencyCodes, performanceCodes, riskCodes, sampleCodes } from "./rules.ts";
import {
  type Candidate,
  dropCorrelated,
  holdOrEnter,
  idsWithout,
  rankTopK,
  type StageLosses,
} from "./stages.ts";
import { judgeThresholds } from "./thresholds.ts";

/** Everything an evaluation depends on. */
export interface EvaluationInput {
  /** Strategy → metrics, as sent and augmented. */
  readonly metrics: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly correlations: readonly Correlation[];
  /** The strategies that are active now. */
  readonly previous: readonly string[];
  readonly policy: Policy;
}

/** What came out for one strategy. */
export interface StrategyEvaluation {
  readonly metrics: ReadonlyMap<string, number>;
  readonly reasonCodes: readonly ReasonCode[];
  readonly active: boolean;
}

export interface Evaluation {
  /** In the order of the ranking where the policy has one, else by the UTF-8 bytes of the id. */
  readonly active: readonly string[];
  /** Sorted by the UTF-8 bytes of the id. */
  readonly strategies: ReadonlyMap<string, StrategyEvaluation>;
}

/**
 * Which strategies a policy makes active, and why.
 *
 * Thresholds → top k (descending, stable, a missing metric last) → correlation (greedy in that order) → hysteresis
 * (active strategies stay at `exit` or above, others come in at `enter` or above, a missing metric is out). Strategies
 * enter the first stage in the order of their ids, because a decoded map has none.
 */
export function evaluate(input: EvaluationInput): Evaluation {
  const { policy } = input;
  const previous = new Set(input.previous);
  const candidates = [...sortedByKey(input.metrics)].map(([id, raw]): Candidate => {
    const metrics = flattenMetrics(raw);
    return { id, metrics, outcome: judgeThresholds(metrics, policy) };
  });
  const passed = candidates.filter(({ outcome }) => outcome.passed);
  const ranked = rankTopK(passed, policy);
  const spread =
    input.correlations.length === 0
      ? ranked
      : dropCorrelated(ranked, policy, correlationTable(input.correlations));
  const held = holdOrEnter(spread, policy, previous);
  const out = idsWithout(spread, held);
  const losses: StageLosses = {
    outsideTopK: new Set(idsWithout(passed, ranked)),
    correlated: new Set(idsWithout(ranked, spread)),
    exited: new Set(out.filter((id) => previous.has(id))),
    notEntered: new Set(out.filter((id) => !previous.has(id))),
  };
  const active = held.map(({ id }) => id);
  const activeIds = new Set(active);
  const strategies = candidates.map((candidate): [string, StrategyEvaluation] => [
    candidate.id,
    {
      metrics: sortedByKey(input.metrics.get(candidate.id) ?? []),
      reasonCodes: reasonCodes(candidate, policy, losses),
      active: activeIds.has(candidate.id),
    },
  ]);
  return { active, strategies: new Map(strategies) };
}

function reasonCodes(candidate: Candidate, policy: Policy, losses: StageLosses): ReasonCode[] {
  return [
    ...dataCurrencyCodes(candidate, policy),
    ...sampleCodes(candidate, policy),
    ...performanceCodes(candidate, policy, losses),
    ...riskCodes(candidate, policy, losses),
    "robustness_ok",
  ];
}
