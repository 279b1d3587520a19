import type { WorldState } from "../../domain/state/world-state.ts";
import { compareUtf8 } from "../../domain/text.ts";
import { stateHash } from "../../orchestration/shared/hashing.ts";
import { STATE_KINDS, stateKeys, worldState } from "../../orchestration/shared/keys.ts";
import type { Doc, Head, ReadResult, Store } from "../../ports/store.ts";
import { unknownWorld } from "./refusals.ts";

/** The hashed state of one world at the revision of its snapshot. */
export interface WorldSnapshot {
  readonly worldId: string;
  /** Number of the world's newest event, 0 = none yet. */
  readonly worldSequence: number;
  readonly state: WorldState;
  readonly stateHash: string;
}

/** A consistent state to start from. */
export interface BookSnapshot {
  readonly head: Head;
  /** Sorted by the UTF-8 bytes of the id. */
  readonly worlds: readonly WorldSnapshot[];
}

/** Documents by which a world without events is known, too. */
const KNOWN_BY = [...STATE_KINDS, "world"] as const;

/** State of these worlds, or of all the book knows, read in one step with the head it is the state of. */
export async function readSnapshot(store: Store, worldIds: readonly string[]): Promise<BookSnapshot> {
  return worldIds.length === 0 ? readAll(store) : readSome(store, worldIds);
}

async function readSome(store: Store, worldIds: readonly string[]): Promise<BookSnapshot> {
  const sorted = [...worldIds].sort(compareUtf8);
  const result = await store.read({ keys: sorted.flatMap(stateKeys), sequences: sorted });
  const kinds = STATE_KINDS.length;
  const worlds = sorted.map((worldId, at) =>
    snapshotOf(worldId, result, result.docs.slice(at * kinds, (at + 1) * kinds)),
  );
  return { head: result.head, worlds };
}

async function readAll(store: Store): Promise<BookSnapshot> {
  const collections = KNOWN_BY.map((kind) => ({ kind, scope: "" }));
  const result = await store.read({ keys: [], collections, sequences: "all" });
  const byKind = result.collections.map((docs) => new Map(docs.map((doc) => [doc.key.id, doc])));
  const ids = new Set([...result.sequences.keys(), ...byKind.flatMap((docs) => [...docs.keys()])]);
  ids.delete(""); // the book's own events are of no world
  const worlds = [...ids].sort(compareUtf8).map((worldId) =>
    snapshotOf(
      worldId,
      result,
      STATE_KINDS.map((_, at) => byKind[at]?.get(worldId)),
    ),
  );
  return { head: result.head, worlds };
}

function snapshotOf(worldId: string, result: ReadResult, docs: readonly (Doc | undefined)[]): WorldSnapshot {
  const state = worldState(docs);
  return {
    worldId,
    worldSequence: result.sequences.get(worldId) ?? 0,
    state,
    stateHash: stateHash(state),
  };
}

/**
 * @throws DomainError WORLD_NOT_FOUND for the first world that the book has neither an event nor a document of.
 */
export async function checkWorlds(store: Store, worldIds: readonly string[]): Promise<void> {
  if (worldIds.length === 0) return;
  const { sequences } = await store.read({ keys: [], sequences: worldIds });
  const silent = worldIds.filter((worldId) => !sequences.has(worldId));
  if (silent.length === 0) return;
  const keys = silent.flatMap((id) => KNOWN_BY.map((kind) => ({ kind, scope: "", id })));
  const { docs } = await store.read({ keys });
  const unknown = silent.find((_, at) =>
    docs.slice(at * KNOWN_BY.length, (at + 1) * KNOWN_BY.length).every((doc) => doc === undefined),
  );
  if (unknown !== undefined) throw unknownWorld(unknown);
}
