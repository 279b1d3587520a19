import type { EntryContent } from "../../domain/activation/activations.ts";
import { freezeWorld, unfreezeWorld, upsertActivation } from "../../domain/activation/commands.ts";
import type { ActivationEntry } from "../../domain/state/world-state.ts";
import type { CallOptions } from "../shared/deps.ts";
import type { Caller, WorldDeps } from "./deps.ts";
import { type CommandOutcome, runAtOnce, runCommand } from "./run-command.ts";

/** Where a world's activations stand after a command. */
export interface Standing {
  readonly version: number;
  readonly sequence: number;
  readonly stateHash: string;
}

export interface Upserted extends Standing {
  readonly entry: ActivationEntry;
}

export interface FreezeOutcome extends Standing {
  /** Freeze: the world was not frozen before. Unfreeze: it was. */
  readonly changed: boolean;
}

/** A freeze or its end, as a caller asks for it. */
export interface FreezeCall {
  readonly worldId: string;
  readonly runId: string;
  readonly reason: string;
  readonly caller: Caller;
}

export interface UpsertCall {
  readonly worldId: string;
  readonly content: EntryContent;
  readonly runId: string;
  /** Empty = no check. */
  readonly etag: string;
  readonly caller: Caller;
}

function standing({ before, change, stateHash }: CommandOutcome): Standing {
  const { version, sequence } = change?.activations ?? before.activations;
  return { version, sequence, stateHash };
}

/**
 * Writes one entry.
 *
 * @throws DomainError WORLD_NOT_FOUND, WORLD_SUSPENDED, CIRCUIT_BREAKER_OPEN, LIVE_NOT_ALLOWED, WORLD_FROZEN,
 *   ETAG_MISMATCH, APPLY_IN_PROGRESS, LOCK_TIMEOUT, LOCK_LOST, STORE_UNAVAILABLE.
 */
export async function upsert(deps: WorldDeps, call: UpsertCall, options: CallOptions): Promise<Upserted> {
  const { content, worldId, runId, etag, caller } = call;
  const { strategyId, side, active, weight } = content;
  const command = upsertActivation(content, runId, etag);
  const details = { strategy_id: strategyId, side, active, weight };
  const outcome = await runCommand(deps, { worldId, command, caller, details }, options);
  const entry = outcome.change?.changes?.[0]?.entry;
  if (entry === undefined) throw new Error("an upsert always writes an entry");
  return { ...standing(outcome), entry };
}

/**
 * Freezes a world, at once whatever holds its lock.
 *
 * @throws DomainError WORLD_NOT_FOUND, STORE_UNAVAILABLE.
 */
export async function freeze(
  deps: WorldDeps,
  call: FreezeCall,
  options: CallOptions,
): Promise<FreezeOutcome> {
  const { worldId, runId, reason, caller } = call;
  const given = { worldId, command: freezeWorld(runId), caller, details: { reason } };
  const outcome = await runAtOnce(deps, given, options);
  if (outcome.change?.apply !== undefined) deps.nudge(worldId);
  return { ...standing(outcome), changed: outcome.before.activations.freeze === undefined };
}

/**
 * Lifts the freeze of a world.
 *
 * @throws DomainError WORLD_NOT_FOUND, WORLD_SUSPENDED, CIRCUIT_BREAKER_OPEN, LIVE_NOT_ALLOWED, APPLY_FROZEN,
 *   WORLD_FROZEN with the missing subscribers, LOCK_TIMEOUT, LOCK_LOST, STORE_UNAVAILABLE.
 */
export async function unfreeze(
  deps: WorldDeps,
  call: FreezeCall,
  options: CallOptions,
): Promise<FreezeOutcome> {
  const { worldId, runId, reason, caller } = call;
  const given = { worldId, command: unfreezeWorld(runId), caller, details: { reason } };
  const outcome = await runCommand(deps, given, options);
  return { ...standing(outcome), changed: outcome.before.activations.freeze !== undefined };
}
