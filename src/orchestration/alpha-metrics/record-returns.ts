import { parseSeriesList, type SeriesInput } from "../../domain/alpha/parse-series.ts";
import { type RecordedChange, recordReturns as recordSeries } from "../../domain/alpha/recorded-series.ts";
import type { AlphaSeries } from "../../domain/alpha/series.ts";
import { toStored } from "../../domain/stored-json.ts";
import { compareUtf8 } from "../../domain/text.ts";
import type { Lease } from "../../ports/lock-manager.ts";
import type { Doc, Store } from "../../ports/store.ts";
import type { Caller } from "../activation/deps.ts";
import { effectOf } from "../shared/commit-outcome.ts";
import type { CallOptions, WriteDeps } from "../shared/deps.ts";
import { assertNoneDeleted, registryKey } from "../shared/known-worlds.ts";
import { recordedCommit } from "./recorded-commit.ts";
import { markerKey, readRecorded, seriesKey, statisticsKey } from "./series-docs.ts";

/** One series of the request with what recording it did. */
export interface RecordedPair {
  readonly series: AlphaSeries;
  readonly change: RecordedChange;
}

/** Series to store, and who stores them. */
export interface RecordReturnsCall {
  readonly series: readonly SeriesInput[];
  readonly caller: Caller;
}

/** Series per read: a long read keeps everybody else waiting. */
const BATCH = 500;

/**
 * Stores series for later plans, all or nothing: one commit under the locks of all their worlds. Recording the same
 * again changes nothing and commits nothing.
 *
 * @returns what is stored now of each series, in the order of the request.
 * @throws DomainError INVALID_FIELD, WORLD_NOT_FOUND, LOCK_TIMEOUT, LOCK_LOST, STORE_UNAVAILABLE.
 */
export async function recordReturns(
  deps: WriteDeps,
  call: RecordReturnsCall,
  options: CallOptions,
): Promise<readonly RecordedPair[]> {
  const series = parseSeriesList(call.series, "series", { recorded: true });
  const worldIds = [...new Set(series.map(({ worldId }) => worldId))].sort(compareUtf8);
  const { lease, context } = await deps.locks.acquire(worldIds, {
    ...options,
    read: { keys: [...worldIds.map(registryKey), ...worldIds.map(markerKey)] },
  });
  try {
    assertNoneDeleted(worldIds, context.docs);
    const markers = new Map(worldIds.map((id, i) => [id, context.docs[worldIds.length + i]]));
    return await recordUnder(deps, lease, markers, series, call.caller);
  } finally {
    await lease.release();
  }
}

async function recordUnder(
  deps: WriteDeps,
  lease: Lease,
  markers: ReadonlyMap<string, Doc | undefined>,
  series: readonly AlphaSeries[],
  caller: Caller,
): Promise<readonly RecordedPair[]> {
  const pairs = await changesOf(deps.store, series);
  const changed = pairs.filter(({ change }) => change.changed);
  if (changed.length === 0) return pairs;
  const cause = { caller, action: "returns_recorded", runId: "", nowMs: deps.clock.now() };
  const commit = recordedCommit(changed, markers, deps.alpha.calculator, cause);
  const bodies = commit.events.map((event) => ({ worldId: event.worldId, body: toStored(event) }));
  effectOf(await deps.store.commit({ ...commit, events: bodies, lease, release: true }), "");
  return pairs;
}

async function changesOf(store: Store, series: readonly AlphaSeries[]): Promise<RecordedPair[]> {
  const pairs: RecordedPair[] = [];
  for (let from = 0; from < series.length; from += BATCH) {
    const batch = series.slice(from, from + BATCH);
    const keys = batch.flatMap((pair) => [seriesKey(pair), statisticsKey(pair)]);
    const { docs } = await store.read({ keys });
    batch.forEach((one, i) => {
      const before = readRecorded(docs[2 * i], docs[2 * i + 1]);
      pairs.push({ series: one, change: recordSeries(before, one) });
    });
  }
  return pairs;
}
