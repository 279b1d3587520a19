import type { WorldActivations } from "../../domain/activation/activations.ts";
import { worldFrozen } from "../../domain/activation/apply-record.ts";
import type { WorldFacts } from "../../domain/events/types.ts";
import { openGate, pass, switchesOf } from "../../domain/worlds/switches.ts";
import type { Doc, DocExpectation, DocKey } from "../../ports/store.ts";
import { stored, worldKey } from "./keys.ts";

/** The documents that decide whether a world accepts changes: its switches and its freeze. */
const GATE_KINDS = ["world", "activation"] as const;

/** What to read for these worlds, under their locks. */
export function gateKeys(worldIds: readonly string[]): DocKey[] {
  return worldIds.flatMap((id) => GATE_KINDS.map((kind) => worldKey(kind, id)));
}

/**
 * @param docs the answer to `gateKeys`.
 * @throws DomainError WORLD_NOT_FOUND, WORLD_SUSPENDED, CIRCUIT_BREAKER_OPEN or WORLD_FROZEN for the first world that
 *   accepts no changes now.
 */
export function assertWorldsOpen(worldIds: readonly string[], docs: readonly (Doc | undefined)[]): void {
  worldIds.forEach((worldId, i) => {
    const [world, activations] = docs.slice(i * GATE_KINDS.length);
    pass(openGate, worldId, switchesOf(stored<WorldFacts>(world)));
    const freeze = stored<WorldActivations>(activations)?.freeze;
    if (freeze !== undefined) throw worldFrozen(worldId, "nothing may be changed until it is unfrozen");
  });
}

/**
 * What the commit must find unchanged: a freeze waits for no lock, and whoever holds one has to notice.
 *
 * @param docs the answer to `gateKeys`.
 */
export function gateExpectations(
  worldIds: readonly string[],
  docs: readonly (Doc | undefined)[],
): DocExpectation[] {
  return gateKeys(worldIds).map((key, i) => ({ key, version: docs[i]?.version ?? 0 }));
}
