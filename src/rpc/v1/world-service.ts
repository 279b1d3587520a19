import type { ServiceImpl } from "@connectrpc/connect";
import type { WorldService } from "#gen/worldservice/v1/world_service_pb.ts";
import { invalidFields } from "../../domain/errors.ts";
import type { WorldDeps } from "../../orchestration/activation/deps.ts";
import {
  createWorld,
  deleteWorld,
  getWorld,
  listWorlds,
  updateWorld,
  type WorldPosition,
} from "../../orchestration/worlds/registry.ts";
import { callOptions } from "../call-options.ts";
import { required } from "../convert.ts";
import { fromPageToken, pageSize, toPageToken } from "../pages.ts";
import { callerOf } from "../principal.ts";
import { fromWorld, fromWorldUpdate, toWorld } from "./convert-worlds.ts";

/** `worldservice.v1.WorldService`. */
export function worldServiceV1(deps: WorldDeps): ServiceImpl<typeof WorldService> {
  return {
    async createWorld(request, context) {
      const draft = fromWorld(required(request.world, "world"));
      return { world: toWorld(await createWorld(deps, draft, callerOf(context))) };
    },

    async getWorld({ worldId }) {
      return { world: toWorld(await getWorld(deps.store, worldId)) };
    },

    async listWorlds(request) {
      const { showDeleted } = request;
      const after = positionOf(request.pageToken, showDeleted);
      const page = await listWorlds(deps.store, pageSize(request.pageSize), after, showDeleted);
      return {
        worlds: page.worlds.map(toWorld),
        nextPageToken: toPageToken(page.next && [page.next.id, page.next.created, kindOf(showDeleted)]),
      };
    },

    async updateWorld(request, context) {
      const world = required(request.world, "world");
      const patch = fromWorldUpdate(world, request.updateMask);
      const call = { worldId: world.worldId, etag: world.etag, caller: callerOf(context) };
      return { world: toWorld(await updateWorld(deps, call, patch, callOptions(context))) };
    },

    async deleteWorld({ worldId, etag }, context) {
      const call = { worldId, etag, caller: callerOf(context) };
      return { world: toWorld(await deleteWorld(deps, call, callOptions(context))) };
    },
  };
}

function kindOf(showDeleted: boolean): string {
  return showDeleted ? "all" : "living";
}

/** @throws DomainError INVALID_FIELD for a token of another list. */
function positionOf(token: string, showDeleted: boolean): WorldPosition | undefined {
  const position = fromPageToken(token, ["", 0, ""]);
  if (position === undefined) return undefined;
  const [id, created, kind] = position;
  if (kind === kindOf(showDeleted)) return { id, created };
  throw invalidFields([{ field: "page_token", description: "is of a list with another show_deleted" }]);
}
