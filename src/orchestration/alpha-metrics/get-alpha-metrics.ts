import type { AlphaEnvelope, AlphaScope } from "../../domain/alpha/build-envelope.ts";
import { DomainError } from "../../domain/errors.ts";
import type { Allocation } from "../../domain/state/world-state.ts";
import type { Doc, Store } from "../../ports/store.ts";
import { stored, worldKey } from "../shared/keys.ts";
import type { AlphaSource } from "./alpha-source.ts";

/** Empty lists stand for everything there is. */
export interface MetricsQuery {
  readonly worldIds: readonly string[];
  readonly strategyIds: readonly string[];
}

/** Pairs of world and strategy in one answer: some 500 bytes each. */
const MAX_PAIRS = 100_000;

/**
 * The figures of what is stored: of each world its own series, else its strategies weighted by the world's allocation,
 * and of each strategy in it.
 *
 * @throws DomainError MESSAGE_TOO_LARGE, STORE_UNAVAILABLE.
 */
export async function getAlphaMetrics(
  store: Store,
  source: AlphaSource,
  query: MetricsQuery,
): Promise<AlphaEnvelope> {
  const worldIds = await namedOrAll(store, query.worldIds);
  assertSize(worldIds.length * Math.max(1, query.strategyIds.length));
  const scopes = await scopesOf(store, worldIds, [...new Set(query.strategyIds)]);
  assertSize(scopes.reduce((sum, { strategyIds }) => sum + strategyIds.length + 1, 0));
  return source.envelope({ scopes, requested: [] });
}

async function namedOrAll(store: Store, worldIds: readonly string[]): Promise<string[]> {
  if (worldIds.length > 0) return [...new Set(worldIds)];
  const { collections } = await store.read({ keys: [], collections: [{ kind: "series_world", scope: "" }] });
  return (collections[0] ?? []).map(({ key }) => key.id);
}

async function scopesOf(
  store: Store,
  worldIds: readonly string[],
  named: readonly string[],
): Promise<AlphaScope[]> {
  const recorded = worldIds.map((scope) => ({ kind: "series_stats", scope }) as const);
  const { docs, collections } = await store.read({
    keys: worldIds.map((id) => worldKey("allocation", id)),
    collections: named.length > 0 ? [] : recorded,
  });
  return worldIds.map((worldId, i) => ({
    worldId,
    strategyIds: named.length > 0 ? named : strategiesIn(collections[i] ?? []),
    weights: stored<Allocation>(docs[i])?.strategyAllocTotal ?? new Map(),
  }));
}

function strategiesIn(docs: readonly Doc[]): string[] {
  return docs.map(({ key }) => key.id).filter((id) => id !== "");
}

function assertSize(pairs: number): void {
  if (pairs <= MAX_PAIRS) return;
  const text = `the answer would hold ${pairs} pairs of world and strategy, more than ${MAX_PAIRS}`;
  throw new DomainError("MESSAGE_TOO_LARGE", `${text}; ask for fewer worlds or strategies`);
}
