import { findEntry } from "../../domain/activation/activations.ts";
import { DomainError } from "../../domain/errors.ts";
import type { ActivationEntry, ActivationSide } from "../../domain/state/world-state.ts";
import type { Store } from "../../ports/store.ts";
import { stateHash } from "../shared/hashing.ts";
import type { Standing } from "./activation-commands.ts";
import { loadWorld } from "./world-view.ts";

export interface ActivationList extends Standing {
  readonly entries: readonly ActivationEntry[];
  readonly isFrozen: boolean;
}

/** @throws DomainError ACTIVATION_NOT_FOUND. */
export async function getActivation(
  store: Store,
  worldId: string,
  strategyId: string,
  side: ActivationSide,
): Promise<ActivationEntry> {
  const { view } = await loadWorld(store, worldId);
  const entry = findEntry(view.activations, strategyId, side);
  if (entry !== undefined) return entry;
  throw new DomainError("ACTIVATION_NOT_FOUND", `world ${worldId} has no entry ${strategyId} ${side}`, {
    metadata: { world_id: worldId, strategy_id: strategyId, side },
  });
}

/** All entries of a world; none of one that nobody ever named. */
export async function listActivations(store: Store, worldId: string): Promise<ActivationList> {
  const { view } = await loadWorld(store, worldId);
  const { entries, version, sequence, freeze } = view.activations;
  return { entries, version, sequence, stateHash: stateHash(view.state), isFrozen: freeze !== undefined };
}
