import { NO_ACTIVATIONS, type WorldActivations } from "../../domain/activation/activations.ts";
import type { ApplyRecord } from "../../domain/activation/apply-record.ts";
import type { Decisions, WorldView } from "../../domain/activation/world-change.ts";
import type { WorldFacts } from "../../domain/events/types.ts";
import { switchesOf } from "../../domain/worlds/switches.ts";
import type { DocExpectation, ReadQuery, ReadResult, Store } from "../../ports/store.ts";
import { stateKeys, stored, worldKey, worldState } from "../shared/keys.ts";

/** A world as it was read, and what a commit that rests on it must find unchanged. */
export interface LoadedWorld {
  readonly view: WorldView;
  readonly expect: readonly DocExpectation[];
}

/** What an acknowledgement leaves behind. */
export interface AckDoc {
  readonly sequence: number;
}

/** Everything that decides about a world, in one step. */
export function worldQuery(worldId: string): Required<Pick<ReadQuery, "keys" | "collections">> {
  return {
    keys: [...stateKeys(worldId), worldKey("world", worldId)],
    collections: [{ kind: "ack", scope: worldId }],
  };
}

/** @param result the answer to `worldQuery`, which may ask for more keys and collections behind its own. */
export function toLoadedWorld(worldId: string, result: ReadResult): LoadedWorld {
  const keys = worldQuery(worldId).keys;
  const docs = result.docs.slice(0, keys.length);
  const world = stored<WorldFacts>(docs[4]);
  const acks = (result.collections[0] ?? []).map(
    (doc) => [doc.key.id, stored<AckDoc>(doc)?.sequence ?? 0] as const,
  );
  return {
    view: {
      worldId,
      world,
      switches: switchesOf(world),
      state: worldState(docs),
      activations: stored<WorldActivations>(docs[1]) ?? NO_ACTIVATIONS,
      decisions: stored<Decisions>(docs[2]),
      apply: stored<ApplyRecord>(docs[3]),
      acks: new Map(acks),
    },
    expect: keys.map((key, at) => ({ key, version: docs[at]?.version ?? 0 })),
  };
}

export async function loadWorld(store: Store, worldId: string): Promise<LoadedWorld> {
  return toLoadedWorld(worldId, await store.read(worldQuery(worldId)));
}
