import type { ActivationEntry, ActivationSide, EffectiveMode } from "../state/world-state.ts";
import { compareUtf8 } from "../text.ts";

/** What an entry is to be, without what only its writing gives it. */
export interface EntryContent {
  readonly strategyId: string;
  readonly side: ActivationSide;
  readonly active: boolean;
  /** 0..1. */
  readonly weight: number;
  readonly freeze: boolean;
  readonly drain: boolean;
  readonly effectiveMode: EffectiveMode;
}

/** Who froze a world. A command beats an apply: what it froze, no apply unfreezes on its own account. */
export interface Freeze {
  readonly by: "COMMAND" | "APPLY";
  readonly runId: string;
  /** Sequence of the newest event of the freeze; the roster must acknowledge it before the freeze is lifted. */
  readonly sequence: number;
  /** Who must acknowledge, as the world's roster was when the freeze was issued. */
  readonly roster: readonly string[];
}

/** All activation entries of a world, as they are stored. */
export interface WorldActivations {
  /** Rises by one with every entry written, over all runs and roll-backs. */
  readonly version: number;
  /** Number of the newest activation event; rises by one with every event. */
  readonly sequence: number;
  /** Sorted by strategy (UTF-8 bytes), then side. While the world is frozen all of them have `freeze` set. */
  readonly entries: readonly ActivationEntry[];
  /** Keys of the entries in the order in which they were first written. */
  readonly order: readonly string[];
  readonly freeze: Freeze | undefined;
  /** While frozen: what the entries are to be once the freeze is lifted, in the order in which they will be written. */
  readonly held: readonly EntryContent[];
  /** The runs that were named in recent writes, newest last. */
  readonly recentRuns: readonly string[];
}

export const NO_ACTIVATIONS: WorldActivations = {
  version: 0,
  sequence: 0,
  entries: [],
  order: [],
  freeze: undefined,
  held: [],
  recentRuns: [],
};

export type Phase = "NONE" | "FREEZE" | "UNFREEZE";

/** One entry written: what its event tells. */
export interface EntryChange {
  readonly entry: ActivationEntry;
  readonly phase: Phase;
  readonly requiresAck: boolean;
  readonly sequence: number;
  readonly version: number;
}

/** Activations after some writes, and the writes in order. */
export interface Written {
  readonly activations: WorldActivations;
  readonly changes: readonly EntryChange[];
}

/** Who writes, and when. */
export interface Author {
  readonly worldId: string;
  /** Empty where no run was named. */
  readonly runId: string;
  readonly nowMs: number;
}

const RECENT_RUNS = 50;

/** Sorts by strategy, then side. */
export function compareEntries(
  a: Pick<EntryContent, "strategyId" | "side">,
  b: Pick<EntryContent, "strategyId" | "side">,
): number {
  return compareUtf8(a.strategyId, b.strategyId) || compareUtf8(a.side, b.side);
}

/** True only for an entry that may trade: switched on, and neither frozen nor draining. */
export function isEffective(content: Pick<EntryContent, "active" | "freeze" | "drain">): boolean {
  return content.active && !content.freeze && !content.drain;
}

/** The entry of a strategy and side, if there is one. */
export function findEntry(
  activations: WorldActivations,
  strategyId: string,
  side: ActivationSide,
): ActivationEntry | undefined {
  return activations.entries.find((entry) => entry.strategyId === strategyId && entry.side === side);
}

/** The entries as a freeze writes them: strategies in the order of their first writing, each with its sides together. */
export function inWritingOrder({ entries, order }: WorldActivations): ActivationEntry[] {
  const rank = new Map(order.map((key, at) => [key, at]));
  const byAge = entries.toSorted((a, b) => (rank.get(keyOf(a)) ?? 0) - (rank.get(keyOf(b)) ?? 0));
  return [...Map.groupBy(byAge, (entry) => entry.strategyId).values()].flat();
}

/** Writes entries one after the other: each takes the next version and the next sequence. */
export function write(
  before: WorldActivations,
  contents: readonly EntryContent[],
  phase: Phase,
  author: Author,
): Written {
  const entries = new Map(before.entries.map((entry) => [keyOf(entry), entry]));
  const changes = contents.map((content, at): EntryChange => {
    const version = before.version + at + 1;
    const sequence = before.sequence + at + 1;
    const entry = entryOf(content, version, author);
    entries.set(keyOf(entry), entry);
    return { entry, phase, requiresAck: phase !== "NONE", sequence, version };
  });
  return {
    activations: {
      ...before,
      version: before.version + changes.length,
      sequence: before.sequence + changes.length,
      entries: [...entries.values()].sort(compareEntries),
      order: [...new Set([...before.order, ...contents.map(keyOf)])],
      recentRuns: withRun(before.recentRuns, author.runId),
    },
    changes,
  };
}

/** Names with control characters are refused at the edge, so keys of different entries differ. */
function keyOf({ strategyId, side }: Pick<EntryContent, "strategyId" | "side">): string {
  return `${side}\n${strategyId}`;
}

/** A frozen or draining entry is reported as not active; the version makes its etag new with every write. */
function entryOf(content: EntryContent, version: number, { worldId, runId, nowMs }: Author): ActivationEntry {
  const { strategyId, side, weight, freeze, drain, effectiveMode } = content;
  return {
    worldId,
    strategyId,
    side,
    active: isEffective(content),
    weight,
    freeze,
    drain,
    effectiveMode,
    etag: `act:${version}`,
    runId,
    updatedAtMs: nowMs,
  };
}

function withRun(runs: readonly string[], runId: string): readonly string[] {
  if (runId === "" || runs.at(-1) === runId) return runs;
  return [...runs.filter((run) => run !== runId), runId].slice(-RECENT_RUNS);
}
