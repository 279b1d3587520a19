import { canonicalJson } from "../../domain/canonical-json.ts";
import type { HistoryTimes } from "../../domain/decision/history.ts";
import type { DocKey } from "../../ports/store.ts";
import { sha256 } from "../shared/hashing.ts";
import { worldKey } from "../shared/keys.ts";

/** Which history data a node of a strategy was run on. Times in milliseconds since 1970. */
export interface HistoryFacts {
  readonly strategyId: string;
  /** Empty for the strategy as a whole. */
  readonly nodeId: string;
  readonly intervalMs?: number | undefined;
  readonly rows?: number | undefined;
  readonly coverageStartMs?: number | undefined;
  readonly coverageEndMs?: number | undefined;
  readonly conformanceFlags: ReadonlyMap<string, number>;
  readonly conformanceWarnings: readonly string[];
  readonly datasetFingerprint: string;
  readonly asOfMs?: number | undefined;
}

/** An entry as it is stored. */
export interface HistoryEntry extends HistoryFacts {
  readonly recordedAtMs: number;
}

/** What is needed of an entry to pick it, and to know it again. */
export interface IndexedEntry extends HistoryTimes {
  readonly id: string;
  /** Hash of its facts. */
  readonly digest: string;
}

/** All entries of a world in the order in which they were recorded. */
export interface HistoryIndex {
  readonly entries: readonly IndexedEntry[];
}

export const NO_HISTORY: HistoryIndex = { entries: [] };

export function historyIndexKey(worldId: string): DocKey {
  return worldKey("history_index", worldId);
}

export function historyKey(worldId: string, id: string): DocKey {
  return { kind: "history", scope: worldId, id };
}

/** Entries of the same strategy, node, interval and `as_of` replace each other. */
export function historyId({ strategyId, nodeId, intervalMs, asOfMs }: HistoryFacts): string {
  return sha256(canonicalJson([strategyId, nodeId, intervalMs ?? null, asOfMs ?? null]));
}

export function historyDigest(facts: HistoryFacts): string {
  return sha256(canonicalJson(facts));
}
