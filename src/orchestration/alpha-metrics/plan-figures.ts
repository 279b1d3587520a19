import type { AlphaEnvelope } from "../../domain/alpha/build-envelope.ts";
import { parseSeriesList, type SeriesInput } from "../../domain/alpha/parse-series.ts";
import { planScopes } from "../../domain/alpha/plan-scopes.ts";
import type { AlphaSeries } from "../../domain/alpha/series.ts";
import type { Negotiated } from "../../domain/rebalance/negotiation.ts";
import type { RebalanceInput, RebalanceMode } from "../../domain/rebalance/types.ts";
import { joinPath } from "../../domain/rebalance/validate-fields.ts";
import type { Doc } from "../../ports/store.ts";
import type { AlphaSource } from "./alpha-source.ts";
import { markerKey, markOf } from "./series-docs.ts";

/**
 * The series of a plan, checked; in schema version 1 they take no part and are not even looked at.
 *
 * @param path of the message that carries them, empty for the request itself.
 * @throws DomainError INVALID_FIELD.
 */
export function seriesOfPlan(
  { schemaVersion }: Negotiated,
  inputs: readonly SeriesInput[],
  path: string,
): readonly AlphaSeries[] {
  return schemaVersion === 1 ? [] : parseSeriesList(inputs, joinPath(path, "alpha_series"));
}

/** What the figures of a plan depend on. */
export interface FiguresQuestion {
  readonly negotiated: Negotiated;
  readonly input: RebalanceInput;
  readonly mode: RebalanceMode;
  readonly series: readonly AlphaSeries[];
  /** World → `markOf` its marker, where the markers were read already. */
  readonly marks?: ReadonlyMap<string, string>;
}

/** The figures of a plan; none in schema version 1. */
export async function figuresOfPlan(
  source: AlphaSource,
  { negotiated, input, mode, series, marks }: FiguresQuestion,
): Promise<AlphaEnvelope | undefined> {
  if (negotiated.schemaVersion === 1) return undefined;
  const request = { scopes: planScopes(input, mode), requested: series };
  return source.envelope(marks === undefined ? request : { ...request, marks });
}

/** What to read along with other things, so that `figuresOfPlan` mostly reads nothing. */
export function markerKeysOf({ schemaVersion }: Negotiated, worldIds: readonly string[]) {
  return schemaVersion === 1 ? [] : worldIds.map(markerKey);
}

/** @param docs the documents of `markerKeysOf`. */
export function marksOf(
  worldIds: readonly string[],
  docs: readonly (Doc | undefined)[],
): ReadonlyMap<string, string> {
  return new Map(worldIds.map((worldId, i) => [worldId, markOf(docs[i])]));
}
