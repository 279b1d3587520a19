import { DomainError, invalidFields } from "../errors.ts";
import type { WorldFacts } from "../events/types.ts";
import { liveGate, pass, worldNotFound } from "./switches.ts";

/** What a caller says of a world. */
export type WorldDraft = Pick<
  WorldFacts,
  | "worldId"
  | "name"
  | "description"
  | "owner"
  | "labels"
  | "state"
  | "allowLive"
  | "circuitBreaker"
  | "executionDomain"
  | "ackRoster"
>;

/** The fields that an update may change; the id never changes. */
export type WorldPatch = Partial<Omit<WorldDraft, "worldId">>;

/** A world of the registry, but for the etag that the stored text gives it. */
export type UnsealedWorld = Omit<WorldFacts, "etag">;

/**
 * A new world.
 *
 * @param defaultPolicyVersion of the policies that were created for it before; 0 for none.
 * @throws DomainError INVALID_FIELD for state DELETED, LIVE_NOT_ALLOWED for LIVE without `allowLive`.
 */
export function registerWorld(draft: WorldDraft, defaultPolicyVersion: number, nowMs: number): UnsealedWorld {
  return checked({ ...draft, defaultPolicyVersion, createdAtMs: nowMs, updatedAtMs: nowMs });
}

/**
 * A world after an update. Fields that the patch does not name keep their values.
 *
 * @throws DomainError WORLD_NOT_FOUND once it was deleted, INVALID_FIELD, LIVE_NOT_ALLOWED as for a new one.
 */
export function changeWorld(world: WorldFacts, patch: WorldPatch, nowMs: number): UnsealedWorld {
  if (world.state === "DELETED") throw worldNotFound(world.worldId, "was deleted");
  const { etag: _sealedAnew, ...before } = world;
  return checked({ ...before, ...patch, updatedAtMs: nowMs });
}

/** A world after its deletion: everything stays readable, nothing may happen in it. */
export function deleteWorld(world: WorldFacts, nowMs: number): UnsealedWorld {
  const { etag: _sealedAnew, ...before } = world;
  return { ...before, state: "DELETED", updatedAtMs: nowMs };
}

function checked(world: UnsealedWorld): UnsealedWorld {
  if (world.state === "DELETED") {
    throw invalidFields([
      { field: "world.state", description: "DELETED is reached through DeleteWorld alone" },
    ]);
  }
  if (world.executionDomain === "LIVE") pass(liveGate, world.worldId, world);
  return world;
}

/** @throws DomainError ETAG_MISMATCH when the caller saw another state; an empty etag checks nothing. */
export function assertWorldEtag(world: WorldFacts, etag: string): void {
  if (etag === "" || etag === world.etag) return;
  throw new DomainError("ETAG_MISMATCH", `world ${world.worldId} changed since it was read`, {
    metadata: { world_id: world.worldId, current: world.etag },
  });
}
