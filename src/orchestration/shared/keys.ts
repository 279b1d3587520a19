import { type Allocation, EMPTY_WORLD_STATE, type WorldState } from "../../domain/state/world-state.ts";
import { fromStored } from "../../domain/stored-json.ts";
import type { Doc, DocKey, DocKind } from "../../ports/store.ts";

/** The document of a run, whichever RPC made it. */
export function runKey(runId: string): DocKey {
  return { kind: "run", scope: "", id: runId };
}

/** One entry per applied run, so that they can be listed by age. */
export function appliedRunKey(runId: string): DocKey {
  return { kind: "applied_run", scope: "", id: runId };
}

/** A document that every world has one of. */
export function worldKey(kind: DocKind, worldId: string): DocKey {
  return { kind, scope: "", id: worldId };
}

/** The documents that a world's state hash covers, in the order in which `worldState` takes them. */
export const STATE_KINDS = ["allocation", "activation", "decisions", "apply"] as const;

export function stateKeys(worldId: string): DocKey[] {
  return STATE_KINDS.map((kind) => worldKey(kind, worldId));
}

/** A stored value, or undefined where there is no document. */
export function stored<T>(doc: Doc | undefined): T | undefined {
  return doc === undefined ? undefined : fromStored<T>(doc.body);
}

/** The hashed state of a world from the documents of `stateKeys`. */
export function worldState(docs: readonly (Doc | undefined)[]): WorldState {
  const [allocation, activation, decisions, apply] = docs;
  return {
    allocation: stored<Allocation>(allocation),
    activations: storedOr(activation, { entries: EMPTY_WORLD_STATE.activations }).entries,
    decisions: storedOr(decisions, { strategies: EMPTY_WORLD_STATE.decisions }).strategies,
    applyStage: storedOr(apply, { stage: EMPTY_WORLD_STATE.applyStage }).stage,
  };
}

function storedOr<T>(doc: Doc | undefined, fallback: T): T {
  return stored<T>(doc) ?? fallback;
}
