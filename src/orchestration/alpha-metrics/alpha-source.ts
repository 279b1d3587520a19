import {
  type AlphaEnvelope,
  type AlphaScope,
  buildAlphaEnvelope,
} from "../../domain/alpha/build-envelope.ts";
import type { AlphaSeries, ReturnSeries } from "../../domain/alpha/series.ts";
import type { AlphaCalculator } from "../../ports/alpha-calculator.ts";
import type { Store } from "../../ports/store.ts";
import { createReturnsReader, type ReturnsReader, type WantedReturns } from "./returns-reader.ts";
import type { SeriesPair } from "./series-docs.ts";
import { createStatisticsReader, type FoundStatistics, type KeptStatistics } from "./statistics-reader.ts";

/** Whose figures are wanted, and what the caller brings along. */
export interface EnvelopeRequest {
  readonly scopes: readonly AlphaScope[];
  /** Checked series of the request; they win over stored ones. */
  readonly requested: readonly AlphaSeries[];
  /** World → `markOf` its marker, where the caller read the markers already. */
  readonly marks?: ReadonlyMap<string, string>;
}

/** Where figures come from: the injected calculator over what is stored. */
export interface AlphaSource {
  readonly calculator: AlphaCalculator;
  /** @throws DomainError STORE_UNAVAILABLE, and whatever the calculator throws. */
  envelope(request: EnvelopeRequest): Promise<AlphaEnvelope>;
}

export function createAlphaSource(store: Store, calculator: AlphaCalculator): AlphaSource {
  const statistics = createStatisticsReader(store);
  const returns = createReturnsReader(store);
  return {
    calculator,
    async envelope({ scopes, requested, marks }) {
      const found = await statistics.load(wantedPairs(scopes), marks);
      const wanted = wantedReturns({ scopes, requested, found, calculator });
      const series = await loadReturns(returns, wanted);
      const stored = {
        statistics: (worldId: string, strategyId: string) => found.get(worldId)?.get(strategyId)?.statistics,
        series: (worldId: string, strategyId: string) => series.get(worldId)?.get(strategyId),
      };
      return buildAlphaEnvelope({ scopes, requested, stored, calculator });
    },
  };
}

/** Every world, its strategies, and those it may have to be put together from. */
function wantedPairs(scopes: readonly AlphaScope[]): Map<string, Set<string>> {
  const wanted = new Map<string, Set<string>>();
  for (const { worldId, strategyIds, weights } of scopes) {
    wanted.set(worldId, new Set(["", ...strategyIds, ...weights.keys()]));
  }
  return wanted;
}

interface ReturnsQuestion {
  readonly scopes: readonly AlphaScope[];
  readonly requested: readonly AlphaSeries[];
  readonly found: FoundStatistics;
  readonly calculator: AlphaCalculator;
}

/** The pairs whose returns themselves are needed: of worlds to be put together, or of all where the calculator asks. */
function wantedReturns({ scopes, requested, found, calculator }: ReturnsQuestion): WantedReturns[] {
  const sent = new Map<string, Set<string>>();
  for (const { worldId, strategyId } of requested) {
    sent.set(worldId, (sent.get(worldId) ?? new Set()).add(strategyId));
  }
  const all = calculator.wants === "series";
  return scopes.flatMap((scope) => {
    const sentIds = sent.get(scope.worldId) ?? new Set();
    const kept = found.get(scope.worldId) ?? new Map();
    const ids = idsOf(scope, all, sentIds.has("") || kept.get("") !== undefined);
    return [...ids].flatMap((id) => (sentIds.has(id) ? [] : pairOf(scope.worldId, id, kept.get(id))));
  });
}

function pairOf(worldId: string, strategyId: string, kept: KeptStatistics | undefined): WantedReturns[] {
  return kept === undefined ? [] : [{ worldId, strategyId, kept }];
}

function idsOf({ strategyIds, weights }: AlphaScope, all: boolean, hasOwn: boolean): Set<string> {
  const ids = new Set(all ? ["", ...strategyIds] : []);
  if (hasOwn) return ids;
  for (const [id, weight] of weights) if (weight > 0) ids.add(id);
  return ids;
}

async function loadReturns(
  reader: ReturnsReader,
  wanted: readonly WantedReturns[],
): Promise<Map<string, Map<string, ReturnSeries>>> {
  const loaded = await reader.load(wanted);
  const byWorld = new Map<string, Map<string, ReturnSeries>>();
  wanted.forEach(({ worldId, strategyId }: SeriesPair, i) => {
    const series = loaded[i];
    if (series === undefined) return;
    byWorld.set(worldId, (byWorld.get(worldId) ?? new Map()).set(strategyId, series));
  });
  return byWorld;
}
