import type { AlphaStatistics } from "../../domain/alpha/statistics.ts";
import type { Doc, Store } from "../../ports/store.ts";
import { type BudgetedCache, createBudgetedCache } from "./budgeted-cache.ts";
import { markerKey, markOf, readStatistics, statisticsKey } from "./series-docs.ts";

/** The statistics of one pair as they were stored. The same object as long as nothing new is recorded. */
export interface KeptStatistics {
  readonly version: number;
  readonly body: string;
  readonly statistics: AlphaStatistics;
}

/** World → strategies whose statistics are wanted; the empty strategy is the world itself. */
export type WantedPairs = ReadonlyMap<string, ReadonlySet<string>>;

/** World → strategy → statistics; pairs without any are absent. */
export type FoundStatistics = ReadonlyMap<string, ReadonlyMap<string, KeptStatistics | undefined>>;

export interface StatisticsReader {
  /** @param marks what the worlds' markers say by now, where the caller read them already. */
  load(wanted: WantedPairs, marks?: ReadonlyMap<string, string>): Promise<FoundStatistics>;
}

/** What is known of a world while its marker says `mark`; an undefined entry is a pair that has no series. */
interface KnownWorld {
  readonly mark: string;
  readonly pairs: Map<string, KeptStatistics | undefined>;
}

/** Pairs remembered over all worlds: some 400 bytes each. */
const MAX_PAIRS = 200_000;

type WorldCache = BudgetedCache<string, KnownWorld>;

/**
 * Reads statistics through a memory that is checked against the markers of the worlds: as long as nothing was recorded
 * in a world, one small document is read for it, however many strategies are asked about.
 */
export function createStatisticsReader(store: Store): StatisticsReader {
  const cache: WorldCache = createBudgetedCache(MAX_PAIRS);
  return {
    async load(wanted, given) {
      const marks = given ?? (await readMarks(store, [...wanted.keys()]));
      const found = recall(cache, wanted, marks);
      const open = new Map([...wanted].filter(([worldId]) => !found.has(worldId)));
      for (const [worldId, pairs] of await readPairs(store, cache, open)) found.set(worldId, pairs);
      return found;
    },
  };
}

type Pairs = ReadonlyMap<string, KeptStatistics | undefined>;

/** The worlds of which everything wanted is remembered and still holds. */
function recall(
  cache: WorldCache,
  wanted: WantedPairs,
  marks: ReadonlyMap<string, string>,
): Map<string, Pairs> {
  const found = new Map<string, Pairs>();
  for (const [worldId, strategyIds] of wanted) {
    const pairs = recallWorld(cache.get(worldId), marks.get(worldId), strategyIds);
    if (pairs !== undefined) found.set(worldId, pairs);
  }
  return found;
}

function recallWorld(
  known: KnownWorld | undefined,
  mark: string | undefined,
  strategyIds: ReadonlySet<string>,
): Pairs | undefined {
  // A world without marker has no series at all, which need not be remembered.
  if (mark === "") return new Map();
  if (known === undefined || known.mark !== mark) return undefined;
  return holdsAll(known.pairs, strategyIds) ? known.pairs : undefined;
}

function holdsAll(pairs: Pairs, strategyIds: ReadonlySet<string>): boolean {
  for (const id of strategyIds) if (!pairs.has(id)) return false;
  return true;
}

async function readMarks(store: Store, worldIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (worldIds.length === 0) return new Map();
  const { docs } = await store.read({ keys: worldIds.map(markerKey) });
  return new Map(worldIds.map((worldId, i) => [worldId, markOf(docs[i])]));
}

/** Markers and statistics in one consistent step, so that what is remembered belongs together. */
async function readPairs(store: Store, cache: WorldCache, open: WantedPairs): Promise<Map<string, Pairs>> {
  if (open.size === 0) return new Map();
  const worldIds = [...open.keys()];
  const pairs = [...open].flatMap(([worldId, ids]) =>
    [...ids].map((strategyId) => ({ worldId, strategyId })),
  );
  const { docs } = await store.read({ keys: [...worldIds.map(markerKey), ...pairs.map(statisticsKey)] });
  let at = worldIds.length;
  return new Map(
    [...open].map(([worldId, ids], i) => {
      const statistics = docs.slice(at, at + ids.size);
      at += ids.size;
      return [worldId, remember(cache, worldId, markOf(docs[i]), [...ids], statistics)];
    }),
  );
}

function remember(
  cache: WorldCache,
  worldId: string,
  mark: string,
  ids: readonly string[],
  docs: readonly (Doc | undefined)[],
): Pairs {
  const before = cache.get(worldId);
  const pairs = before?.mark === mark ? before.pairs : new Map<string, KeptStatistics | undefined>();
  ids.forEach((id, i) => {
    pairs.set(id, keptOf(docs[i], before?.pairs.get(id)));
  });
  cache.set(worldId, { mark, pairs }, pairs.size);
  return pairs;
}

/** The same document gives the same object, so that what hangs on it stays valid. */
function keptOf(doc: Doc | undefined, before: KeptStatistics | undefined): KeptStatistics | undefined {
  if (doc === undefined) return undefined;
  const { version, body } = doc;
  if (before?.version === version && before.body === body) return before;
  return { version, body, statistics: readStatistics(doc) };
}
