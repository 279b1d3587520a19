import { type ActivationPlan, type ApplyRecord, sortedSet } from "../../domain/activation/apply-record.ts";
import { canonicalJson } from "../../domain/canonical-json.ts";
import type { JsonObject } from "../../domain/json.ts";
import type { Lease } from "../../ports/lock-manager.ts";
import type { Caller, WorldDeps } from "../activation/deps.ts";
import { loadWorld, toLoadedWorld, worldQuery } from "../activation/world-view.ts";
import { runIdReused } from "../shared/commit-outcome.ts";
import type { CallOptions } from "../shared/deps.ts";
import { sha256 } from "../shared/hashing.ts";
import { accept } from "./accept.ts";
import { driveApply } from "./drive.ts";
import { findApply } from "./read-applies.ts";

/** What is to be active afterwards. */
export type ApplyTarget =
  | { readonly kind: "plan"; readonly plan: ActivationPlan }
  /** `input` is what was asked, for comparing requests; `choose` answers it by the policy. */
  | {
      readonly kind: "evaluation";
      readonly input: JsonObject;
      readonly choose: () => Promise<readonly string[]>;
    };

/** One ApplyWorld call. */
export interface ApplyCall {
  readonly worldId: string;
  readonly runId: string;
  readonly target: ApplyTarget;
  /** The world's state hash as the caller saw it; empty = no check. */
  readonly etag: string;
  readonly unfreezeOnRollback: boolean;
  readonly caller: Caller;
}

/** An apply as it stands, with what is decided in its world now. */
export interface ApplyOutcome {
  readonly apply: ApplyRecord;
  /** Sorted. */
  readonly active: readonly string[];
  readonly replayed: boolean;
}

/** An ApplyWorld call with its target in hand. */
export interface PreparedApply {
  readonly call: ApplyCall;
  readonly fingerprint: string;
  /** The strategies that were chosen; undefined = the plan tells, by what is decided under the lock. */
  readonly chosen: readonly string[] | undefined;
}

/**
 * Switches a world in two phases. The run id is the key for repeats: the same request answers with the apply as it
 * stands and starts nothing, whichever applies came after it.
 *
 * @throws DomainError RUN_ID_REUSED, those of accepting, those of choosing, LOCK_TIMEOUT, LOCK_LOST, STORE_UNAVAILABLE.
 */
export async function applyWorld(
  deps: WorldDeps,
  call: ApplyCall,
  options: CallOptions,
): Promise<ApplyOutcome> {
  const fingerprint = fingerprintOf(call);
  const earlier = await earlierApply(deps, call, fingerprint);
  if (earlier === undefined) {
    const chosen = call.target.kind === "evaluation" ? sortedSet(await call.target.choose()) : undefined;
    return outcomeOf(deps, call, await start(deps, { call, fingerprint, chosen }, options));
  }
  return outcomeOf(deps, call, true);
}

function fingerprintOf({ target, unfreezeOnRollback }: ApplyCall): string {
  return sha256(canonicalJson({ ...targetFields(target), unfreezeOnRollback }));
}

/** The order of names in a plan says nothing. */
function targetFields(target: ApplyTarget): JsonObject {
  if (target.kind === "evaluation") return { evaluation: target.input };
  const { activate, deactivate } = target.plan;
  return { activate: sortedSet(activate), deactivate: sortedSet(deactivate) };
}

/** @throws DomainError RUN_ID_REUSED when the id names another request. */
async function earlierApply(
  deps: WorldDeps,
  { worldId, runId }: ApplyCall,
  fingerprint: string,
): Promise<ApplyRecord | undefined> {
  const found = await findApply(deps.store, worldId, runId);
  if (found !== undefined && found.fingerprint !== fingerprint) throw runIdReused(runId);
  return found;
}

/** @returns whether the apply was there already. */
async function start(deps: WorldDeps, prepared: PreparedApply, options: CallOptions): Promise<boolean> {
  const { worldId } = prepared.call;
  const { lease, context } = await deps.locks.acquire([worldId], { ...options, read: worldQuery(worldId) });
  try {
    return await underLock(deps, prepared, lease, toLoadedWorld(worldId, context));
  } finally {
    await lease.release();
  }
}

async function underLock(
  deps: WorldDeps,
  prepared: PreparedApply,
  lease: Lease,
  first: Awaited<ReturnType<typeof loadWorld>>,
): Promise<boolean> {
  const { call, fingerprint } = prepared;
  const { worldId, runId, caller } = call;
  if ((await earlierApply(deps, call, fingerprint)) !== undefined) return true;
  const drive = { worldId, runId, caller, lease };
  for (let loaded = first; !(await accept(deps, drive, prepared, loaded)); ) {
    loaded = await loadWorld(deps.store, worldId);
  }
  await driveApply(deps, drive, "own");
  return false;
}

async function outcomeOf(deps: WorldDeps, call: ApplyCall, replayed: boolean): Promise<ApplyOutcome> {
  const apply = await findApply(deps.store, call.worldId, call.runId);
  if (apply === undefined) throw new Error("an apply that was accepted is not stored");
  const { view } = await loadWorld(deps.store, call.worldId);
  return { apply, active: sortedSet(view.state.decisions), replayed };
}
