import type { ApplyRecord } from "../../domain/activation/apply-record.ts";
import { abort, type Intervention, resume } from "../../domain/activation/interventions.ts";
import type { Caller, WorldDeps } from "../activation/deps.ts";
import { loadWorld } from "../activation/world-view.ts";
import type { CallOptions } from "../shared/deps.ts";
import { commitStep, type Drive, driveApply } from "./drive.ts";
import { type ApplyStanding, applyNotFound, getApply } from "./read-applies.ts";

/** An operator's command on one apply. */
export interface OperatorCall {
  readonly worldId: string;
  readonly runId: string;
  readonly reason: string;
  readonly caller: Caller;
}

/**
 * Drives a stuck apply on; one that is under way or has ended stays as it is.
 *
 * @throws DomainError RUN_NOT_FOUND, WORLD_SUSPENDED, CIRCUIT_BREAKER_OPEN, LIVE_NOT_ALLOWED, APPLY_FROZEN with the
 *   missing subscribers, LOCK_TIMEOUT, LOCK_LOST, STORE_UNAVAILABLE.
 */
export function resumeApply(deps: WorldDeps, call: OperatorCall, options: CallOptions) {
  return intervene(deps, call, resume, options);
}

/**
 * Ends an apply: back before SWITCHED, frozen with the switch in place from then on.
 *
 * @throws DomainError RUN_NOT_FOUND, LOCK_TIMEOUT, LOCK_LOST, STORE_UNAVAILABLE.
 */
export function abortApply(deps: WorldDeps, call: OperatorCall, options: CallOptions) {
  return intervene(deps, call, abort, options);
}

async function intervene(
  deps: WorldDeps,
  call: OperatorCall,
  intervention: Intervention,
  options: CallOptions,
): Promise<ApplyStanding> {
  const { worldId, runId, caller } = call;
  const { apply } = await getApply(deps.store, worldId, runId);
  if (apply.ended) return { apply, missing: [] };
  const { lease } = await deps.locks.acquire([worldId], options);
  try {
    await takeInHand(deps, { worldId, runId, caller, lease }, call, intervention);
  } finally {
    await lease.release();
  }
  return getApply(deps.store, worldId, runId);
}

async function takeInHand(
  deps: WorldDeps,
  drive: Drive,
  call: OperatorCall,
  intervention: Intervention,
): Promise<void> {
  while (!(await stepOnce(deps, drive, call, intervention)));
  // Nobody else drives it: this call holds the lock.
  await driveApply(deps, drive, "found");
}

/** False when the world changed since it was read: decide again. */
async function stepOnce(
  deps: WorldDeps,
  drive: Drive,
  { reason }: OperatorCall,
  intervention: Intervention,
): Promise<boolean> {
  const loaded = await loadWorld(deps.store, drive.worldId);
  const view = { ...loaded.view, apply: current(loaded.view.apply, drive) };
  const time = { nowMs: deps.clock.now(), ackTimeoutMs: deps.ackTimeoutMs };
  const next = intervention(view, time, reason);
  if (next?.kind !== "step") return true;
  return commitStep(deps, drive, loaded, next.change, { reason });
}

/** An apply that ended meanwhile and was followed by another is left alone. */
function current(apply: ApplyRecord | undefined, { worldId, runId }: Drive): ApplyRecord {
  if (apply === undefined) throw applyNotFound(worldId, runId);
  return apply.runId === runId ? apply : { ...apply, ended: true };
}
