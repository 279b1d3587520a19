import type { ActivationEntry, WorldState } from "../state/world-state.ts";
import { EMPTY_WORLD_STATE } from "../state/world-state.ts";
import { compareUtf8 } from "../text.ts";
import type { DomainEvent } from "./types.ts";

/**
 * The hashed state of a world after one more of its events. Every change of that state is in an event, so folding the
 * feed from a snapshot gives the state, and with `canonicalWorldState` its hash, after every commit.
 */
export function foldEvent(state: WorldState, event: DomainEvent): WorldState {
  switch (event.type) {
    case "ALLOCATION_UPDATED":
      return { ...state, allocation: event.payload.allocation };
    case "ACTIVATION_UPDATED":
      return { ...state, activations: withEntry(state.activations, event.payload.entry) };
    case "DECISIONS_UPDATED":
      return { ...state, decisions: event.payload.strategies };
    case "APPLY_STAGE_CHANGED":
      return { ...state, applyStage: event.payload.stage };
    default:
      return state;
  }
}

/**
 * The states of several worlds after some more events, oldest first. A world without a state starts empty.
 *
 * @param states by world id, as of right before the first event; not changed.
 */
export function foldEvents(
  states: ReadonlyMap<string, WorldState>,
  events: Iterable<DomainEvent>,
): Map<string, WorldState> {
  const after = new Map(states);
  for (const event of events) {
    after.set(event.worldId, foldEvent(after.get(event.worldId) ?? EMPTY_WORLD_STATE, event));
  }
  return after;
}

/** The state hash that an event says its world has after its commit; undefined for events that don't touch hashed state. */
export function claimedStateHash(event: DomainEvent): string | undefined {
  return "stateHash" in event.payload ? event.payload.stateHash : undefined;
}

/** Replaces the entry of the same strategy and side, or puts it where the order (strategy, side) wants it. */
function withEntry(entries: readonly ActivationEntry[], entry: ActivationEntry): readonly ActivationEntry[] {
  const at = placeOf(entries, entry);
  const found = entries[at];
  const replaced = found !== undefined && compareEntries(found, entry) === 0 ? 1 : 0;
  return entries.toSpliced(at, replaced, entry);
}

/** Where in sorted entries the first stands that is not before this one; a freeze folds as many events as entries. */
function placeOf(entries: readonly ActivationEntry[], entry: ActivationEntry): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const known = entries[middle];
    if (known !== undefined && compareEntries(known, entry) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compareEntries(a: ActivationEntry, b: ActivationEntry): number {
  return compareUtf8(a.strategyId, b.strategyId) || compareUtf8(a.side, b.side);
}
