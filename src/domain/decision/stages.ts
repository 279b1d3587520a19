import type { CorrelationTable } from "./correlations.ts";
import type { Policy } from "./policy.ts";
import type { ThresholdOutcome } from "./thresholds.ts";

/** A strategy on its way through the stages. */
export interface Candidate {
  readonly id: string;
  readonly metrics: ReadonlyMap<string, number>;
  readonly outcome: ThresholdOutcome;
}

/** Which strategies each stage put out. */
export interface StageLosses {
  readonly outsideTopK: ReadonlySet<string>;
  readonly correlated: ReadonlySet<string>;
  readonly exited: ReadonlySet<string>;
  readonly notEntered: ReadonlySet<string>;
}

/** Best first; equal values keep their order, a missing metric comes last. */
export function rankTopK(candidates: readonly Candidate[], { topK }: Policy): Candidate[] {
  if (topK === undefined) return [...candidates];
  const score = ({ metrics }: Candidate): number => metrics.get(topK.metric) ?? Number.NEGATIVE_INFINITY;
  const scored = candidates.map((candidate) => ({ candidate, score: score(candidate) }));
  // Subtracting two missing scores would give NaN, which no sort can use.
  scored.sort((a, b) => (a.score === b.score ? 0 : b.score - a.score));
  return scored.slice(0, topK.k).map(({ candidate }) => candidate);
}

/** Greedy, best first: a strategy stays unless it is too close to one that stayed before it. */
export function dropCorrelated(
  candidates: readonly Candidate[],
  policy: Policy,
  rho: CorrelationTable,
): Candidate[] {
  const { correlation } = policy;
  if (correlation === undefined) return [...candidates];
  const chosen: Candidate[] = [];
  for (const candidate of candidates) {
    const blocked = chosen.some((other) => Math.abs(rho(candidate.id, other.id)) > correlation.max);
    if (!blocked) chosen.push(candidate);
  }
  return chosen;
}

/** Active strategies stay at `exit` or above, others come in at `enter` or above. */
export function holdOrEnter(
  candidates: readonly Candidate[],
  policy: Policy,
  previous: ReadonlySet<string>,
): Candidate[] {
  const { hysteresis } = policy;
  if (hysteresis === undefined) return [...candidates];
  return candidates.filter(({ id, metrics }) => {
    const value = metrics.get(hysteresis.metric);
    return value !== undefined && value >= (previous.has(id) ? hysteresis.exit : hysteresis.enter);
  });
}

/** Ids of those that a stage did not keep. */
export function idsWithout(all: readonly Candidate[], kept: readonly Candidate[]): string[] {
  const ids = new Set(kept.map(({ id }) => id));
  return all.map(({ id }) => id).filter((id) => !ids.has(id));
}
