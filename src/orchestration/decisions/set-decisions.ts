import { applyInProgress } from "../../domain/activation/apply-record.ts";
import type { ActivationCommand } from "../../domain/activation/commands.ts";
import type { Decisions, WorldView } from "../../domain/activation/world-change.ts";
import { normalizeDecisions } from "../../domain/decision/strategy-lists.ts";
import { DomainError } from "../../domain/errors.ts";
import { activeGate, pass } from "../../domain/worlds/switches.ts";
import type { Store } from "../../ports/store.ts";
import type { Caller, WorldDeps } from "../activation/deps.ts";
import { runCommand } from "../activation/run-command.ts";
import type { CallOptions } from "../shared/deps.ts";
import { stored, worldKey } from "../shared/keys.ts";

/** Replaces the decisions of a world. */
export interface DecisionsCall {
  readonly worldId: string;
  readonly strategies: readonly string[];
  /** Etag of the decisions the caller saw; empty = no check. */
  readonly etag: string;
  readonly runId: string;
  readonly caller: Caller;
}

const NONE: Decisions = { strategies: [], etag: "", runId: "", updatedAtMs: 0 };

/**
 * @throws DomainError INVALID_FIELD, WORLD_NOT_FOUND, WORLD_SUSPENDED, APPLY_IN_PROGRESS, ETAG_MISMATCH, LOCK_TIMEOUT,
 *   LOCK_LOST, STORE_UNAVAILABLE.
 */
export async function setDecisions(
  deps: WorldDeps,
  call: DecisionsCall,
  options: CallOptions,
): Promise<Decisions> {
  const strategies = normalizeDecisions(call.strategies);
  const { worldId, caller } = call;
  const command = commandOf(call, strategies);
  const details = { strategies };
  const { decisions } = await runCommand(deps, { worldId, command, caller, details }, options);
  return decisions ?? NONE;
}

function commandOf(call: DecisionsCall, strategies: readonly string[]): ActivationCommand {
  return {
    action: "decisions_set",
    runId: call.runId,
    run(view) {
      pass(activeGate, call.worldId, view.switches);
      if (view.apply !== undefined && !view.apply.ended) throw applyInProgress(view.apply);
      assertEtag(view, call.etag);
      return { decisions: strategies };
    },
  };
}

function assertEtag({ worldId, decisions }: WorldView, etag: string): void {
  const current = decisions?.etag ?? "";
  if (etag === "" || etag === current) return;
  throw new DomainError("ETAG_MISMATCH", `the decisions of world ${worldId} changed since they were read`, {
    metadata: { world_id: worldId, current },
  });
}

/** The decisions of a world; without strategies and etag where none were ever set. */
export async function getDecisions(store: Store, worldId: string): Promise<Decisions> {
  const { docs } = await store.read({ keys: [worldKey("decisions", worldId)] });
  return stored<Decisions>(docs[0]) ?? NONE;
}
