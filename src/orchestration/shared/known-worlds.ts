import { DomainError } from "../../domain/errors.ts";
import type { WorldFacts } from "../../domain/events/types.ts";
import type { Doc } from "../../ports/store.ts";
import { stored, worldKey } from "./keys.ts";

/** The document of a world in the registry. */
export function registryKey(worldId: string) {
  return worldKey("world", worldId);
}

export function worldNotFound(worldId: string): DomainError {
  return new DomainError("WORLD_NOT_FOUND", `world ${worldId} is not registered or was deleted`, {
    metadata: { world_id: worldId },
  });
}

/**
 * Worlds need not be registered; one that was deleted takes nothing more.
 *
 * @param docs the documents of `registryKey`, one per world.
 * @throws DomainError WORLD_NOT_FOUND.
 */
export function assertNoneDeleted(worldIds: readonly string[], docs: readonly (Doc | undefined)[]): void {
  worldIds.forEach((worldId, i) => {
    if (stored<WorldFacts>(docs[i])?.state === "DELETED") throw worldNotFound(worldId);
  });
}
