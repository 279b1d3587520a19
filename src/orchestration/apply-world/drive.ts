import { type ApplyRecord, canGoBack } from "../../domain/activation/apply-record.ts";
import {
  type ApplyView,
  type NextStep,
  nextStep,
  rollBack,
  type StepTime,
  takeOverStep,
} from "../../domain/activation/apply-steps.ts";
import { DomainError } from "../../domain/errors.ts";
import type { JsonObject } from "../../domain/json.ts";
import type { Lease } from "../../ports/lock-manager.ts";
import { commitChange } from "../activation/commit-change.ts";
import type { Caller, WorldDeps } from "../activation/deps.ts";
import { type LoadedWorld, loadWorld } from "../activation/world-view.ts";
import { effectOf } from "../shared/commit-outcome.ts";

/** One apply that is being driven, under the lock of its world. */
export interface Drive {
  readonly worldId: string;
  readonly runId: string;
  readonly caller: Caller;
  readonly lease: Lease;
}

/** There is nothing to do for it now. */
const RESTS = "rests";
type Rest = typeof RESTS;

/** Chooses the next step of an apply. */
type Chooser = (view: ApplyView, time: StepTime) => NextStep;

/** After so many failures in a row the driver gives up; the reaper of some replica carries on. */
const MOST_FAILURES = 3;

/**
 * Advances an apply one step after the other, each one commit, until it has ended or must wait. Normal progress and
 * recovery are this same loop; recovery only chooses its first step otherwise.
 *
 * A step that fails is not repeated before SWITCHED but taken back; from SWITCHED on it is tried again.
 *
 * @param from how the apply came into this driver's hands.
 * @throws DomainError LOCK_LOST when somebody else drives it by now, STORE_UNAVAILABLE when the store stays away.
 */
export async function driveApply(deps: WorldDeps, drive: Drive, from: "own" | "found"): Promise<void> {
  let next: Rest | Chooser = from === "found" ? takeOverStep : nextStep;
  for (let failures = 0; next !== RESTS; ) {
    const advanced: Rest | Chooser = await advance(deps, drive, next).catch((error: unknown) =>
      failure(error, failures),
    );
    failures = advanced === nextStep ? 0 : failures + 1;
    next = advanced;
  }
}

/** The step to try after a failure; gives up on errors that a further try cannot mend. */
function failure(error: unknown, failures: number): Chooser {
  const isHopeless = error instanceof DomainError && error.reason === "LOCK_LOST";
  if (isHopeless || failures + 1 >= MOST_FAILURES) throw error;
  const why = error instanceof DomainError ? error.message : "an unexpected error";
  // Whether the failed commit took place is read anew: the apply may have switched after all.
  return (view, time) =>
    canGoBack(view.apply) ? rollBack(view, time, `a step failed: ${why}`) : nextStep(view, time);
}

/** One step: read, choose, commit. Tells how to choose the one after it. */
async function advance(deps: WorldDeps, drive: Drive, choose: Chooser): Promise<Rest | Chooser> {
  const loaded = await loadWorld(deps.store, drive.worldId);
  const step = stepOf(deps, drive, loaded, choose);
  if (step.kind !== "step") return RESTS;
  return (await commitStep(deps, drive, loaded, step.change)) ? nextStep : choose;
}

function stepOf(deps: WorldDeps, { runId }: Drive, { view }: LoadedWorld, choose: Chooser): NextStep {
  const { apply } = view;
  if (apply?.runId !== runId) return { kind: "done" };
  return choose({ ...view, apply }, { nowMs: deps.clock.now(), ackTimeoutMs: deps.ackTimeoutMs });
}

/** False when the world changed since it was read, as a freeze may do: choose again. */
export async function commitStep(
  deps: WorldDeps,
  { worldId, runId, caller, lease }: Drive,
  loaded: LoadedWorld,
  change: Extract<NextStep, { kind: "step" }>["change"],
  more: JsonObject = {},
): Promise<boolean> {
  const { stage } = change.apply;
  await deps.observeApply({ worldId, runId, stage, moment: "before" });
  const nowMs = change.apply.updatedAtMs;
  const cause = {
    caller,
    runId,
    nowMs,
    action: "apply_stage",
    details: { ...auditOf(change.apply), ...more },
  };
  const { outcome } = await commitChange(deps.store, loaded, change, cause, lease);
  if (outcome.kind === "stale") return false;
  effectOf(outcome, runId);
  await deps.observeApply({ worldId, runId, stage, moment: "after" });
  return true;
}

/** Names of strategies are in the record of the apply; the audit line says what happened. */
function auditOf({ stage, message, ended }: ApplyRecord): JsonObject {
  return { stage, ended, ...(message === "" ? {} : { message }) };
}
