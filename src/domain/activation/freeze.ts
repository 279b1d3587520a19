import type { ActivationEntry } from "../state/world-state.ts";
import {
  type Author,
  compareEntries,
  type EntryContent,
  type Freeze,
  inWritingOrder,
  isEffective,
  type WorldActivations,
  type Written,
  write,
} from "./activations.ts";

/** What an entry is, as something to be written again. */
export function contentOf(entry: ActivationEntry): EntryContent {
  const { strategyId, side, active, weight, freeze, drain, effectiveMode } = entry;
  return { strategyId, side, active, weight, freeze, drain, effectiveMode };
}

function frozen(content: EntryContent): EntryContent {
  return { ...content, active: false, freeze: true, drain: true };
}

/**
 * Freezes every entry, also those that are frozen already, and remembers what they were before the world was frozen
 * first. The freeze counts from the newest of these events.
 */
export function freezeAll(
  before: WorldActivations,
  freeze: Omit<Freeze, "sequence">,
  author: Author,
): Written {
  const contents = inWritingOrder(before).map(contentOf);
  const written = write(before, contents.map(frozen), "FREEZE", author);
  return {
    changes: written.changes,
    activations: {
      ...written.activations,
      freeze: { ...freeze, sequence: written.activations.sequence },
      held: before.freeze === undefined ? contents : before.held,
    },
  };
}

/** A frozen world stays as it is, but from now on it is this freeze that holds it. */
export function takeOverFreeze(
  before: WorldActivations,
  freeze: Pick<Freeze, "by" | "runId">,
): WorldActivations {
  if (before.freeze === undefined) return before;
  return { ...before, freeze: { ...before.freeze, ...freeze } };
}

/** Lifts the freeze: every entry becomes what was held for it. */
export function unfreezeAll(before: WorldActivations, author: Author): Written {
  const written = write(before, before.held, "UNFREEZE", author);
  return { ...written, activations: { ...written.activations, freeze: undefined, held: [] } };
}

/**
 * Writes one entry. In a frozen world it is written frozen, and what was asked for is held until the freeze is lifted.
 */
export function writeEntry(before: WorldActivations, content: EntryContent, author: Author): Written {
  if (before.freeze === undefined) return write(before, [content], "NONE", author);
  const written = write(before, [frozen(content)], "NONE", author);
  const at = before.held.findIndex((held) => compareEntries(held, content) === 0);
  const held = at === -1 ? [...before.held, content] : before.held.with(at, content);
  return { ...written, activations: { ...written.activations, held } };
}

/**
 * What the entries of a world become by a switch: active exactly where the target names the strategy, with the weight
 * they had, neither frozen nor draining. A strategy that is switched on again after it had been off with weight 0 gets
 * weight 1, since it could do nothing with none. A strategy of the target without any entry gets one, LONG, weight 1,
 * behind the others.
 */
export function switchedContents(
  contents: readonly EntryContent[],
  target: readonly string[],
): readonly EntryContent[] {
  const wanted = new Set(target);
  const known = new Set(contents.map((content) => content.strategyId));
  const switched = contents.map((content): EntryContent => {
    const active = wanted.has(content.strategyId);
    const weight = active && !isEffective(content) && content.weight === 0 ? 1 : content.weight;
    return { ...content, active, weight, freeze: false, drain: false };
  });
  const fresh = target
    .filter((strategyId) => !known.has(strategyId))
    .map(
      (strategyId): EntryContent => ({
        strategyId,
        side: "LONG",
        active: true,
        weight: 1,
        freeze: false,
        drain: false,
        effectiveMode: "VALIDATE",
      }),
    );
  return [...switched, ...fresh];
}

/** True when one of these would trade real money. */
export function needsLive(contents: readonly EntryContent[]): boolean {
  return contents.some((content) => content.effectiveMode === "LIVE" && isEffective(content));
}

/** Those of a roster that have not acknowledged up to `sequence`, in the roster's order. */
export function missingAcks(
  roster: readonly string[],
  sequence: number,
  acks: ReadonlyMap<string, number>,
): string[] {
  return roster.filter((subscriber) => (acks.get(subscriber) ?? 0) < sequence);
}
