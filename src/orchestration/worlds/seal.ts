import { canonicalJson } from "../../domain/canonical-json.ts";
import type { DomainEvent, WorldFacts } from "../../domain/events/types.ts";
import { toStored } from "../../domain/stored-json.ts";
import type { UnsealedWorld } from "../../domain/worlds/registry.ts";
import type { CommitRequest } from "../../ports/store.ts";
import { sha256 } from "../shared/hashing.ts";
import { worldKey } from "../shared/keys.ts";

/** Gives a changed world the etag that tells it from every state before. */
export function sealWorld(world: UnsealedWorld, before: WorldFacts | undefined): WorldFacts {
  return { ...world, etag: sha256(canonicalJson({ ...world, before: before?.etag })) };
}

/** What a commit must hold for a world of the registry to become this. */
export function worldWrites(world: WorldFacts): Required<Pick<CommitRequest, "puts" | "events">> {
  const event = worldUpdated(world);
  return {
    puts: [{ key: worldKey("world", world.worldId), body: toStored(world) }],
    events: [{ worldId: world.worldId, body: toStored(event) }],
  };
}

function worldUpdated(world: WorldFacts): DomainEvent {
  const { worldId, etag } = world;
  return {
    type: "WORLD_UPDATED",
    worldId,
    timeMs: world.updatedAtMs,
    correlationId: `world:${worldId}`,
    idempotencyKey: `world_updated:${encodeURIComponent(worldId)}:${etag}`,
    schemaVersion: 1,
    payload: { world },
  };
}
