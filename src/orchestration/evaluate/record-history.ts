import { toStored } from "../../domain/stored-json.ts";
import type { Lease } from "../../ports/lock-manager.ts";
import type { CommitRequest } from "../../ports/store.ts";
import { auditLine, type Cause } from "../activation/commit-change.ts";
import type { Caller } from "../activation/deps.ts";
import { effectOf } from "../shared/commit-outcome.ts";
import type { CallOptions, WriteDeps } from "../shared/deps.ts";
import { stored } from "../shared/keys.ts";
import { assertNoneDeleted, registryKey } from "../shared/known-worlds.ts";
import {
  type HistoryEntry,
  type HistoryFacts,
  type HistoryIndex,
  historyDigest,
  historyId,
  historyIndexKey,
  historyKey,
  type IndexedEntry,
  NO_HISTORY,
} from "./history-docs.ts";

/** Entries to record, and who records them. */
export interface RecordHistoryCall {
  readonly worldId: string;
  readonly facts: readonly HistoryFacts[];
  readonly caller: Caller;
}

/** Entries kept per world; the ones recorded first are dropped beyond it. */
const MAX_ENTRIES = 10_000;

/**
 * Records which history data strategies were run on, all entries or none. Recording the same again changes nothing.
 *
 * @returns how many entries were new or changed something.
 * @throws DomainError WORLD_NOT_FOUND, LOCK_TIMEOUT, LOCK_LOST, STORE_UNAVAILABLE.
 */
export async function recordHistory(
  deps: WriteDeps,
  call: RecordHistoryCall,
  options: CallOptions,
): Promise<number> {
  const { worldId, facts, caller } = call;
  const { lease, context } = await deps.locks.acquire([worldId], {
    ...options,
    read: { keys: [registryKey(worldId), historyIndexKey(worldId)] },
  });
  try {
    assertNoneDeleted([worldId], context.docs);
    const index = stored<HistoryIndex>(context.docs[1]) ?? NO_HISTORY;
    const nowMs = deps.clock.now();
    const merged = merge(index, facts, nowMs);
    const cause = { caller, action: "history_recorded", runId: "", nowMs };
    if (merged.changed.size > 0) {
      effectOf(await deps.store.commit(commitOf(worldId, lease, merged, cause)), "");
    }
    return merged.changed.size;
  } finally {
    await lease.release();
  }
}

interface Merged {
  /** In the order of recording, an entry that changed behind those that did not. */
  readonly entries: readonly IndexedEntry[];
  readonly changed: ReadonlyMap<string, HistoryEntry>;
}

function merge({ entries }: HistoryIndex, facts: readonly HistoryFacts[], recordedAtMs: number): Merged {
  const known = new Map(entries.map((entry) => [entry.id, entry]));
  const changed = new Map<string, HistoryEntry>();
  for (const one of facts) {
    const id = historyId(one);
    const digest = historyDigest(one);
    if (known.get(id)?.digest === digest) continue;
    known.delete(id);
    known.set(id, { id, digest, asOfMs: one.asOfMs, recordedAtMs });
    changed.set(id, { ...one, recordedAtMs });
  }
  return { entries: [...known.values()], changed };
}

function commitOf(
  worldId: string,
  lease: Lease,
  { entries, changed }: Merged,
  cause: Omit<Cause, "details">,
): CommitRequest {
  const kept = entries.slice(-MAX_ENTRIES);
  const dropped = new Set(entries.slice(0, -MAX_ENTRIES).map(({ id }) => id));
  const puts = [...changed].filter(([id]) => !dropped.has(id));
  return {
    lease,
    puts: [
      ...puts.map(([id, entry]) => ({ key: historyKey(worldId, id), body: toStored(entry) })),
      { key: historyIndexKey(worldId), body: toStored({ entries: kept }) },
    ],
    deletes: [...dropped].map((id) => historyKey(worldId, id)),
    audit: [auditLine(worldId, { ...cause, details: { entries: changed.size } })],
    release: true,
  };
}
