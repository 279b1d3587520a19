import type { ActivationCommand } from "../../domain/activation/commands.ts";
import type { Decisions, WorldChange, WorldView } from "../../domain/activation/world-change.ts";
import { DomainError } from "../../domain/errors.ts";
import type { JsonObject } from "../../domain/json.ts";
import type { Lease } from "../../ports/lock-manager.ts";
import { effectOf } from "../shared/commit-outcome.ts";
import type { CallOptions } from "../shared/deps.ts";
import { stateHash } from "../shared/hashing.ts";
import { commitChange } from "./commit-change.ts";
import type { Caller, WorldDeps } from "./deps.ts";
import { type LoadedWorld, loadWorld, toLoadedWorld, worldQuery } from "./world-view.ts";

/** What became of a command. */
export interface CommandOutcome {
  /** The world before, and what was changed; undefined = nothing. */
  readonly before: WorldView;
  readonly change: WorldChange | undefined;
  readonly stateHash: string;
  /** The decisions it set, if it did. */
  readonly decisions?: Decisions | undefined;
}

/** A command with who gave it and what the audit log is to know. */
export interface GivenCommand {
  readonly worldId: string;
  readonly command: ActivationCommand;
  readonly caller: Caller;
  readonly details: JsonObject;
}

/** How often a command is decided anew because the world changed under its lock, which only a freeze can do. */
const MOST_ATTEMPTS = 100;

/** How long a freeze waits for the lock before it does without, in milliseconds. */
const FREEZE_PATIENCE_MS = 100;

/**
 * Locks the world, decides, commits.
 *
 * @throws DomainError what the command refuses with; LOCK_TIMEOUT, LOCK_LOST, STORE_UNAVAILABLE.
 */
export async function runCommand(
  deps: WorldDeps,
  given: GivenCommand,
  options: CallOptions,
): Promise<CommandOutcome> {
  const { worldId } = given;
  const { lease, context } = await deps.locks.acquire([worldId], { ...options, read: worldQuery(worldId) });
  try {
    return await decideAndCommit(deps, given, toLoadedWorld(worldId, context), lease);
  } finally {
    await lease.release();
  }
}

/**
 * As `runCommand`, but never kept waiting by a holder of the lock, alive, slow or dead: without the lock the commit
 * still takes place only on the state that the command saw. Every commit that rests on a world's activations checks
 * that they are unchanged, so a holder that a freeze overtook notices.
 */
export async function runAtOnce(
  deps: WorldDeps,
  given: GivenCommand,
  options: CallOptions,
): Promise<CommandOutcome> {
  const timeoutMs = Math.min(options.timeoutMs, FREEZE_PATIENCE_MS);
  try {
    return await runCommand(deps, given, { ...options, timeoutMs });
  } catch (error) {
    if (!isLockTrouble(error)) throw error;
    return decideAndCommit(deps, given, await loadWorld(deps.store, given.worldId), undefined);
  }
}

function isLockTrouble(error: unknown): boolean {
  return error instanceof DomainError && ["LOCK_TIMEOUT", "LOCK_LOST"].includes(error.reason);
}

async function decideAndCommit(
  deps: WorldDeps,
  given: GivenCommand,
  first: LoadedWorld,
  lease: Lease | undefined,
): Promise<CommandOutcome> {
  let loaded = first;
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    const done = await tryOnce(deps, given, loaded, lease);
    if (done !== undefined) return done;
    loaded = await loadWorld(deps.store, given.worldId);
  }
  throw new DomainError("LOCK_LOST", "other commands kept changing the world; send the same call again", {
    metadata: { world_id: given.worldId },
    retryAfterMs: 100,
  });
}

/** Undefined when the world changed since it was read: decide again. */
async function tryOnce(
  deps: WorldDeps,
  { command, caller, details }: GivenCommand,
  loaded: LoadedWorld,
  lease: Lease | undefined,
): Promise<CommandOutcome | undefined> {
  const { view } = loaded;
  const nowMs = deps.clock.now();
  const change = command.run(view, nowMs);
  if (change === undefined) return { before: view, change, stateHash: stateHash(view.state) };
  const cause = { caller, runId: command.runId, nowMs, action: command.action, details };
  const committed = await commitChange(deps.store, loaded, change, cause, lease);
  if (committed.outcome.kind === "stale") return undefined;
  effectOf(committed.outcome, command.runId);
  const { stateHash: hash, decisions } = committed;
  return { before: view, change, stateHash: hash, decisions };
}
