import type { MessageInitShape } from "@bufbuild/protobuf";
import { type FieldMask, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  ExecutionDomain,
  type World,
  type WorldSchema,
  WorldState,
} from "#gen/worldservice/v1/world_service_pb.ts";
import { invalidFields } from "../../domain/errors.ts";
import type { WorldFacts } from "../../domain/events/types.ts";
import type { WorldDraft, WorldPatch } from "../../domain/worlds/registry.ts";
import { checkIdList, checkIds } from "../ids.ts";

const STATES: ReadonlyMap<WorldState, WorldFacts["state"]> = new Map([
  [WorldState.SUSPENDED, "SUSPENDED"],
  [WorldState.DELETED, "DELETED"],
]);

const DOMAINS: ReadonlyMap<ExecutionDomain, WorldFacts["executionDomain"]> = new Map([
  [ExecutionDomain.DRYRUN, "DRYRUN"],
  [ExecutionDomain.LIVE, "LIVE"],
  [ExecutionDomain.SHADOW, "SHADOW"],
]);

/** A world as a caller describes it; what the server sets is left aside. */
export function fromWorld(world: World): WorldDraft {
  const { worldId, name, description, owner, labels, allowLive, circuitBreaker, ackRoster } = world;
  checkIds({ "world.world_id": worldId });
  checkIdList("world.ack_roster", ackRoster);
  return {
    worldId,
    name,
    description,
    owner,
    labels,
    state: STATES.get(world.state) ?? "ACTIVE",
    allowLive,
    circuitBreaker,
    executionDomain: DOMAINS.get(world.executionDomain) ?? "BACKTEST",
    ackRoster,
  };
}

/** Field of the proto → field of the domain, for all that a mask may name. */
const UPDATABLE: ReadonlyMap<string, keyof WorldPatch> = new Map([
  ["name", "name"],
  ["description", "description"],
  ["owner", "owner"],
  ["labels", "labels"],
  ["state", "state"],
  ["allow_live", "allowLive"],
  ["circuit_breaker", "circuitBreaker"],
  ["execution_domain", "executionDomain"],
  ["ack_roster", "ackRoster"],
]);

/**
 * The fields that a mask names, empty ones at their defaults.
 *
 * @throws DomainError INVALID_FIELD for an empty mask or a path that cannot be updated.
 */
export function fromWorldUpdate(world: World, mask: FieldMask | undefined): WorldPatch {
  const paths = mask?.paths ?? [];
  if (paths.length === 0) throw maskRefused("must name at least one field");
  const draft = fromWorld(world);
  const fields = paths.map((path) => {
    const field = UPDATABLE.get(path);
    if (field === undefined) throw maskRefused(`cannot update ${JSON.stringify(path)}`);
    return [field, draft[field]] as const;
  });
  return Object.fromEntries(fields);
}

function maskRefused(description: string) {
  return invalidFields([{ field: "update_mask", description }]);
}

export function toWorld(world: WorldFacts): MessageInitShape<typeof WorldSchema> {
  const { worldId, name, description, owner, allowLive, circuitBreaker, defaultPolicyVersion, etag } = world;
  return {
    worldId,
    name,
    description,
    owner,
    labels: [...world.labels],
    state: WorldState[world.state],
    allowLive,
    circuitBreaker,
    executionDomain: ExecutionDomain[world.executionDomain],
    ackRoster: [...world.ackRoster],
    defaultPolicyVersion,
    createdAt: timestampFromMs(world.createdAtMs),
    updatedAt: timestampFromMs(world.updatedAtMs),
    etag,
  };
}
