import { addBindings } from "../../domain/decision/strategy-lists.ts";
import type { DomainEvent, WorldFacts } from "../../domain/events/types.ts";
import { toStored } from "../../domain/stored-json.ts";
import { existsGate, pass, switchesOf } from "../../domain/worlds/switches.ts";
import type { Acquired } from "../../ports/lock-manager.ts";
import type { CommitRequest, DocKey, Store } from "../../ports/store.ts";
import { auditLine } from "../activation/commit-change.ts";
import type { Caller, WorldDeps } from "../activation/deps.ts";
import { effectOf } from "../shared/commit-outcome.ts";
import type { CallOptions } from "../shared/deps.ts";
import { sha256 } from "../shared/hashing.ts";
import { stored, worldKey } from "../shared/keys.ts";

/** The strategies bound to a world, as they are stored. */
export interface Bindings {
  /** Sorted. */
  readonly strategies: readonly string[];
  readonly updatedAtMs: number;
}

export interface BindingsCall {
  readonly worldId: string;
  readonly strategies: readonly string[];
  readonly caller: Caller;
}

const NONE: Bindings = { strategies: [], updatedAtMs: 0 };

/** @throws DomainError INVALID_FIELD, WORLD_NOT_FOUND, LOCK_TIMEOUT, LOCK_LOST, STORE_UNAVAILABLE. */
export async function addToBindings(
  deps: WorldDeps,
  call: BindingsCall,
  options: CallOptions,
): Promise<Bindings> {
  const keys = bindingKeys(call.worldId);
  const acquired = await deps.locks.acquire([call.worldId], { ...options, read: { keys } });
  try {
    return await bindUnderLock(deps, call, acquired);
  } finally {
    await acquired.lease.release();
  }
}

function bindingKeys(worldId: string): DocKey[] {
  return [worldKey("bindings", worldId), worldKey("world", worldId)];
}

async function bindUnderLock(deps: WorldDeps, call: BindingsCall, acquired: Acquired): Promise<Bindings> {
  const { docs } = acquired.context;
  pass(existsGate, call.worldId, switchesOf(stored<WorldFacts>(docs[1])));
  const before = stored<Bindings>(docs[0]) ?? NONE;
  const strategies = addBindings(before.strategies, call.strategies);
  if (strategies.length === before.strategies.length) return before;
  const after = { strategies, updatedAtMs: deps.clock.now() };
  const expect = bindingKeys(call.worldId).map((key, at) => ({ key, version: docs[at]?.version ?? 0 }));
  const outcome = await deps.store.commit({ ...commitOf(call, after), lease: acquired.lease, expect });
  effectOf(outcome, "");
  return after;
}

function commitOf({ worldId, caller }: BindingsCall, after: Bindings): CommitRequest {
  const { strategies, updatedAtMs } = after;
  const event: DomainEvent = {
    type: "BINDINGS_UPDATED",
    worldId,
    timeMs: updatedAtMs,
    correlationId: `bindings:${worldId}`,
    // A set that only grows: its members tell every state of it apart.
    idempotencyKey: `bindings_updated:${encodeURIComponent(worldId)}:${sha256(JSON.stringify(strategies))}`,
    schemaVersion: 1,
    payload: { strategies },
  };
  const cause = {
    caller,
    runId: "",
    nowMs: updatedAtMs,
    action: "bindings_set",
    details: { strategies: [...strategies] },
  };
  return {
    puts: [{ key: worldKey("bindings", worldId), body: toStored(after) }],
    events: [{ worldId, body: toStored(event) }],
    audit: [auditLine(worldId, cause)],
  };
}

/** The bindings of a world; none of one that nobody ever named. */
export async function getBindings(store: Store, worldId: string): Promise<Bindings> {
  const { docs } = await store.read({ keys: [worldKey("bindings", worldId)] });
  return stored<Bindings>(docs[0]) ?? NONE;
}
