import { compareUtf8, sortedByKey } from "../text.ts";
import type { AlphaResult, MissingReason } from "./alpha-performance.ts";
import { type AlphaCalculator, type AlphaQuestion, askCalculator } from "./calculator.ts";
import { ALPHA_KEYS, type AlphaKey } from "./metric-spec.ts";
import { type AlphaSeries, type ReturnSeries, toReturns } from "./series.ts";
import type { AlphaStatistics } from "./statistics.ts";
import { type WeightedSeries, weightedReturns } from "./weighted-returns.ts";

/** One world whose figures are wanted. */
export interface AlphaScope {
  readonly worldId: string;
  /** The strategies of the world's plan (the keys of its `scale_by_strategy`). */
  readonly strategyIds: readonly string[];
  /** Strategy → allocation in any unit, from which a world without own series is put together. */
  readonly weights: ReadonlyMap<string, number>;
}

/** What was recorded before. A strategy id of "" asks for the world's own series. */
export interface StoredAlpha {
  statistics(worldId: string, strategyId: string): AlphaStatistics | undefined;
  /** The retained returns; needed to put worlds together, and by calculators that want series. */
  series(worldId: string, strategyId: string): ReturnSeries | undefined;
}

/** Figures that are unknown, with the pair they belong to. */
export interface MissingAlpha {
  readonly worldId: string;
  /** Empty for the world's own figures. */
  readonly strategyId: string;
  readonly reason: MissingReason;
  /** The figures concerned; empty for all six. */
  readonly metrics: readonly AlphaKey[];
}

export type AlphaFigures = ReadonlyMap<AlphaKey, number>;

/** The figures of a plan or event. Maps are sorted by the UTF-8 bytes of their keys. */
export interface AlphaEnvelope {
  readonly perWorld: ReadonlyMap<string, AlphaFigures>;
  /** Strategy → world → figures. */
  readonly perStrategy: ReadonlyMap<string, ReadonlyMap<string, AlphaFigures>>;
  /** In the order world, strategy, reason. */
  readonly missing: readonly MissingAlpha[];
}

/** Everything the figures of a plan depend on. */
export interface EnvelopeInput {
  readonly scopes: readonly AlphaScope[];
  /** Series that came with the request; they win over stored ones. */
  readonly requested: readonly AlphaSeries[];
  readonly stored: StoredAlpha;
  readonly calculator: AlphaCalculator;
}

/** The envelope of a plan or event without figures. */
export const EMPTY_ENVELOPE: AlphaEnvelope = { perWorld: new Map(), perStrategy: new Map(), missing: [] };

/** A store in which nothing was recorded. */
export const NOTHING_STORED: StoredAlpha = { statistics: () => undefined, series: () => undefined };

type Requested = ReadonlyMap<string, ReadonlyMap<string, ReturnSeries>>;

function indexSeries(list: readonly AlphaSeries[]): Requested {
  const index = new Map<string, Map<string, ReturnSeries>>();
  for (const series of list) {
    const ofWorld = index.get(series.worldId) ?? new Map<string, ReturnSeries>();
    index.set(series.worldId, ofWorld.set(series.strategyId, toReturns(series)));
  }
  return index;
}

interface Sources {
  readonly requested: Requested;
  readonly stored: StoredAlpha;
  readonly wantsSeries: boolean;
}

/** What is known of one pair itself: the request first, then the store. */
function ownQuestion(sources: Sources, worldId: string, strategyId: string): AlphaQuestion {
  const series = sources.requested.get(worldId)?.get(strategyId);
  if (series !== undefined) return { worldId, strategyId, series };
  const statistics = sources.stored.statistics(worldId, strategyId);
  if (!sources.wantsSeries) return { worldId, strategyId, statistics };
  return { worldId, strategyId, statistics, series: sources.stored.series(worldId, strategyId) };
}

/** The returns of a world put together from those of its strategies that have any. */
function composedSeries(sources: Sources, scope: AlphaScope): ReturnSeries | undefined {
  const parts: WeightedSeries[] = [];
  // In one fixed order: a decoded map has none, and the last bits of a sum depend on it.
  for (const [strategyId, weight] of sortedByKey(scope.weights)) {
    const series =
      sources.requested.get(scope.worldId)?.get(strategyId) ??
      sources.stored.series(scope.worldId, strategyId);
    if (series !== undefined) parts.push({ weight, series });
  }
  return weightedReturns(parts);
}

function worldQuestion(sources: Sources, scope: AlphaScope): AlphaQuestion {
  const own = ownQuestion(sources, scope.worldId, "");
  if (own.series !== undefined || own.statistics !== undefined) return own;
  return { ...own, series: composedSeries(sources, scope) };
}

function missingOf(question: AlphaQuestion, result: AlphaResult): MissingAlpha[] {
  const { worldId, strategyId } = question;
  return result.missing.map(({ reason, metrics }) => ({
    worldId,
    strategyId,
    reason,
    metrics: metrics.length === ALPHA_KEYS.length ? [] : metrics,
  }));
}

/**
 * The alpha figures of a plan: every world, and every strategy in every world.
 *
 * A world's figures come from its own series (of the request, else recorded); a world without one is put together from
 * the series of its strategies, weighted by allocation. Strategies without series take no part in that, and are listed
 * as missing themselves.
 */
export function buildAlphaEnvelope(input: EnvelopeInput): AlphaEnvelope {
  const { stored, calculator } = input;
  const sources: Sources = {
    requested: indexSeries(input.requested),
    stored,
    wantsSeries: calculator.wants === "series",
  };
  const perWorld = new Map<string, AlphaFigures>();
  const perStrategy = new Map<string, Map<string, AlphaFigures>>();
  const missing: MissingAlpha[] = [];
  const answer = (question: AlphaQuestion): AlphaFigures => {
    const result = askCalculator(calculator, question);
    missing.push(...missingOf(question, result));
    return result.metrics;
  };
  for (const scope of input.scopes.toSorted((a, b) => compareUtf8(a.worldId, b.worldId))) {
    const { worldId } = scope;
    perWorld.set(worldId, answer(worldQuestion(sources, scope)));
    for (const strategyId of scope.strategyIds.toSorted(compareUtf8)) {
      const worlds = perStrategy.get(strategyId) ?? new Map<string, AlphaFigures>();
      perStrategy.set(strategyId, worlds.set(worldId, answer(ownQuestion(sources, worldId, strategyId))));
    }
  }
  return { perWorld, perStrategy: sortedByKey(perStrategy), missing };
}
