import { parseSeriesList, type SeriesInput } from "../../domain/alpha/parse-series.ts";
import type { AlphaSeries } from "../../domain/alpha/series.ts";
import { augmentMetrics, type StrategyMetrics } from "../../domain/decision/augment-metrics.ts";
import { type Correlation, checkCorrelations } from "../../domain/decision/correlations.ts";
import { type Evaluation, evaluate } from "../../domain/decision/evaluate.ts";
import { parsePolicy } from "../../domain/decision/parse-policy.ts";
import type { Policy } from "../../domain/decision/policy.ts";
import { type FieldViolation, invalidFields } from "../../domain/errors.ts";
import type { JsonObject } from "../../domain/json.ts";
import { joinPath } from "../../domain/rebalance/validate-fields.ts";
import type { Store } from "../../ports/store.ts";
import type { AlphaSource } from "../alpha-metrics/alpha-source.ts";
import { getPolicy } from "../policies/read-policies.ts";
import { stored, worldKey } from "../shared/keys.ts";

/** What a policy is to judge, as a caller gave it. */
export interface EvaluationCall {
  /** Strategy → metric → value. */
  readonly metrics: StrategyMetrics;
  /** Not looked at yet; of the judged world or of none. */
  readonly series: readonly SeriesInput[];
  readonly correlations: readonly Correlation[];
  /** The rules; undefined = the world's default policy. */
  readonly policy: JsonObject | undefined;
  /** Strategies active before; none = the world's stored decisions. */
  readonly previous: readonly string[];
  /** Path of the message that carries all this, empty for the request itself. */
  readonly path: string;
}

/** A verdict, and which version of the policy gave it; 0 = the one of the request. */
export interface EvaluatedWorld extends Evaluation {
  readonly policyVersion: number;
}

/** Judges a world; as ApplyWorld gets it injected. */
export type EvaluateWorld = (worldId: string, call: EvaluationCall) => Promise<EvaluatedWorld>;

/** What judging needs. */
export interface EvaluationDeps {
  readonly store: Store;
  readonly alpha: AlphaSource;
}

/**
 * Applies a policy to the strategies of a world. Writes nothing; the same call over the same stored default policy and
 * decisions gives the same answer.
 *
 * @throws DomainError INVALID_FIELD, POLICY_NOT_FOUND, STORE_UNAVAILABLE.
 */
export async function evaluateWorld(
  { store, alpha }: EvaluationDeps,
  worldId: string,
  call: EvaluationCall,
): Promise<EvaluatedWorld> {
  const series = seriesOfWorld(worldId, call);
  checkCorrelations(call.correlations, joinPath(call.path, "correlations"));
  const { policy, policyVersion } = await policyFor(store, worldId, call);
  const previous = await previousOf(store, worldId, call);
  const metrics = augmentMetrics(call.metrics, series, alpha.calculator);
  const evaluation = evaluate({ metrics, correlations: call.correlations, previous, policy });
  return { ...evaluation, policyVersion };
}

function seriesOfWorld(worldId: string, { series, path }: EvaluationCall): AlphaSeries[] {
  const list = joinPath(path, "series");
  const foreign = series.flatMap((one, i): FieldViolation[] =>
    one.worldId === "" || one.worldId === worldId
      ? []
      : [{ field: `${list}[${i}].world_id`, description: `must be empty or the judged world, ${worldId}` }],
  );
  if (foreign.length > 0) throw invalidFields(foreign);
  return parseSeriesList(
    series.map((one) => ({ ...one, worldId })),
    list,
  );
}

async function policyFor(
  store: Store,
  worldId: string,
  { policy, path }: EvaluationCall,
): Promise<{ readonly policy: Policy; readonly policyVersion: number }> {
  if (policy !== undefined) {
    return { policy: parsePolicy(policy, joinPath(path, "policy")), policyVersion: 0 };
  }
  const found = await getPolicy(store, worldId, 0);
  return { policy: parsePolicy(found.policy.body), policyVersion: found.policy.version };
}

async function previousOf(
  store: Store,
  worldId: string,
  { previous }: EvaluationCall,
): Promise<readonly string[]> {
  if (previous.length > 0) return previous;
  const { docs } = await store.read({ keys: [worldKey("decisions", worldId)] });
  return stored<{ readonly strategies: readonly string[] }>(docs[0])?.strategies ?? [];
}
