import { applyInProgress } from "../../domain/activation/apply-record.ts";
import { DomainError } from "../../domain/errors.ts";
import type { WorldFacts } from "../../domain/events/types.ts";
import type { JsonObject } from "../../domain/json.ts";
import { fromStored } from "../../domain/stored-json.ts";
import {
  assertWorldEtag,
  changeWorld,
  deleteWorld as deletedWorld,
  registerWorld,
  type UnsealedWorld,
  type WorldDraft,
  type WorldPatch,
} from "../../domain/worlds/registry.ts";
import { worldNotFound } from "../../domain/worlds/switches.ts";
import type { Lease } from "../../ports/lock-manager.ts";
import type { Store } from "../../ports/store.ts";
import { auditLine } from "../activation/commit-change.ts";
import type { Caller, WorldDeps } from "../activation/deps.ts";
import { type LoadedWorld, loadWorld } from "../activation/world-view.ts";
import { NO_POLICIES, type PolicyHead, policyHeadKey } from "../policies/policy-docs.ts";
import { effectOf } from "../shared/commit-outcome.ts";
import type { CallOptions } from "../shared/deps.ts";
import { stored, worldKey } from "../shared/keys.ts";
import { sealWorld, worldWrites } from "./seal.ts";

/**
 * Registers a world. It needs no lock: the commit takes place only if there is none of that id, deleted ones included,
 * and if the default of the policies it may have already is still the same.
 *
 * @throws DomainError INVALID_FIELD, LIVE_NOT_ALLOWED, WORLD_EXISTS, STORE_UNAVAILABLE.
 */
export async function createWorld(deps: WorldDeps, draft: WorldDraft, caller: Caller): Promise<WorldFacts> {
  const nowMs = deps.clock.now();
  const policies = await policiesOf(deps.store, draft.worldId);
  const world = sealWorld(registerWorld(draft, policies.defaultVersion, nowMs), undefined);
  const key = worldKey("world", world.worldId);
  const cause = { caller, runId: "", nowMs, action: "world_created", details: detailsOf(world) };
  const outcome = await deps.store.commit({
    expect: [{ key, version: 0 }, policies.expect],
    ...worldWrites(world),
    audit: [auditLine(world.worldId, cause)],
  });
  if (outcome.kind === "stale" && outcome.key.kind === "world") throw worldExists(world.worldId);
  effectOf(outcome, "");
  return world;
}

/** A world may have policies before it is registered. */
async function policiesOf(store: Store, worldId: string) {
  const key = policyHeadKey(worldId);
  const [head] = (await store.read({ keys: [key] })).docs;
  const { defaultVersion } = stored<PolicyHead>(head) ?? NO_POLICIES;
  return { defaultVersion, expect: { key, version: head?.version ?? 0 } };
}

function worldExists(worldId: string): DomainError {
  return new DomainError("WORLD_EXISTS", `world ${worldId} is registered already`, {
    metadata: { world_id: worldId },
  });
}

/** What the audit log keeps of a world: its switches. */
function detailsOf({ state, allowLive, circuitBreaker, executionDomain, ackRoster, etag }: WorldFacts) {
  return {
    state,
    allow_live: allowLive,
    circuit_breaker: circuitBreaker,
    execution_domain: executionDomain,
    ack_roster: [...ackRoster],
    etag,
  } satisfies JsonObject;
}

/**
 * A registered world, a deleted one too.
 *
 * @throws DomainError WORLD_NOT_FOUND.
 */
export async function getWorld(store: Store, worldId: string): Promise<WorldFacts> {
  const { docs } = await store.read({ keys: [worldKey("world", worldId)] });
  return registered(worldId, stored<WorldFacts>(docs[0]));
}

function registered(worldId: string, world: WorldFacts | undefined): WorldFacts {
  if (world === undefined) throw worldNotFound(worldId, "is not registered");
  return world;
}

/** Where a page of worlds ended. */
export interface WorldPosition {
  readonly id: string;
  readonly created: number;
}

export interface WorldPage {
  readonly worlds: readonly WorldFacts[];
  readonly next: WorldPosition | undefined;
}

/** Worlds in the order of their ids. A page from which deleted worlds are left out is shorter. */
export async function listWorlds(
  store: Store,
  limit: number,
  after: WorldPosition | undefined,
  withDeleted: boolean,
): Promise<WorldPage> {
  const query = { kind: "world", scope: "", limit: limit + 1 } as const;
  const docs = await store.list(after === undefined ? query : { ...query, after });
  const page = docs.slice(0, limit);
  const worlds = page.map((doc) => fromStored<WorldFacts>(doc.body));
  return {
    worlds: worlds.filter((world) => withDeleted || world.state !== "DELETED"),
    next: docs.length > limit ? positionOf(page.at(-1)) : undefined,
  };
}

function positionOf(doc: { key: { id: string }; created: number } | undefined): WorldPosition | undefined {
  return doc === undefined ? undefined : { id: doc.key.id, created: doc.created };
}

/** What to make of a world; undefined leaves it as it is. */
type Change = (world: WorldFacts, loaded: LoadedWorld, nowMs: number) => UnsealedWorld | undefined;

/** An update or deletion as a caller asks for it. An empty etag checks nothing. */
export interface WorldCall {
  readonly worldId: string;
  readonly etag: string;
  readonly caller: Caller;
}

/**
 * Changes the named fields of a world.
 *
 * @throws DomainError WORLD_NOT_FOUND, INVALID_FIELD, LIVE_NOT_ALLOWED, ETAG_MISMATCH, LOCK_TIMEOUT, LOCK_LOST,
 *   STORE_UNAVAILABLE.
 */
export function updateWorld(
  deps: WorldDeps,
  call: WorldCall,
  patch: WorldPatch,
  options: CallOptions,
): Promise<WorldFacts> {
  return rewrite(deps, call, "world_updated", options, (world, _loaded, nowMs) =>
    changeWorld(world, patch, nowMs),
  );
}

/**
 * Marks a world as deleted; one that is deleted already stays as it is.
 *
 * @throws DomainError WORLD_NOT_FOUND, ETAG_MISMATCH, APPLY_IN_PROGRESS, LOCK_TIMEOUT, LOCK_LOST, STORE_UNAVAILABLE.
 */
export function deleteWorld(deps: WorldDeps, call: WorldCall, options: CallOptions): Promise<WorldFacts> {
  return rewrite(deps, call, "world_deleted", options, (world, { view }, nowMs) => {
    if (world.state === "DELETED") return undefined;
    if (view.apply?.ended === false) throw applyInProgress(view.apply);
    return deletedWorld(world, nowMs);
  });
}

async function rewrite(
  deps: WorldDeps,
  call: WorldCall,
  action: string,
  options: CallOptions,
  change: Change,
): Promise<WorldFacts> {
  const { lease } = await deps.locks.acquire([call.worldId], options);
  try {
    for (;;) {
      const done = await rewriteOnce(deps, call, action, change, lease);
      if (done !== undefined) return done;
    }
  } finally {
    await lease.release();
  }
}

/** Undefined when the world changed since it was read: decide again. */
async function rewriteOnce(
  deps: WorldDeps,
  { worldId, etag, caller }: WorldCall,
  action: string,
  change: Change,
  lease: Lease,
): Promise<WorldFacts | undefined> {
  const loaded = await loadWorld(deps.store, worldId);
  const before = registered(worldId, loaded.view.world);
  const nowMs = deps.clock.now();
  const after = change(before, loaded, nowMs);
  if (after === undefined) return before;
  assertWorldEtag(before, etag);
  const world = sealWorld(after, before);
  const cause = { caller, runId: "", nowMs, action, details: detailsOf(world) };
  const audit = [auditLine(worldId, cause)];
  const outcome = await deps.store.commit({ lease, expect: loaded.expect, ...worldWrites(world), audit });
  if (outcome.kind === "stale") return undefined;
  effectOf(outcome, "");
  return world;
}
