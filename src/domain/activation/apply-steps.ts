import type { ApplyStage } from "../state/world-state.ts";
import { openGate } from "../worlds/switches.ts";
import type { Author } from "./activations.ts";
import { type ApplyRecord, canGoBack } from "./apply-record.ts";
import { freezeAll, missingAcks, needsLive, switchedContents, unfreezeAll } from "./freeze.ts";
import type { WorldChange, WorldView } from "./world-change.ts";

/** What comes next for an apply. */
export type NextStep =
  | { readonly kind: "step"; readonly change: WorldChange & { readonly apply: ApplyRecord } }
  | { readonly kind: "wait"; readonly missing: readonly string[] }
  /** It has ended, or is stuck and waits for an operator. */
  | { readonly kind: "done" };

/** What a step is told besides the world. */
export interface StepTime {
  readonly nowMs: number;
  /** How long acknowledgements are waited for, in milliseconds. */
  readonly ackTimeoutMs: number;
}

/** A view with an apply in it. */
export type ApplyView = WorldView & { readonly apply: ApplyRecord };

type Step = (view: ApplyView, time: StepTime) => NextStep;

const DONE: NextStep = { kind: "done" };

const STEPS: Readonly<Record<ApplyStage, Step>> = {
  REQUESTED: freeze,
  FREEZING: (view, time) => afterAcks(view, time, confirmFrozen, rollBackUnacknowledged),
  FROZEN: switchOver,
  SWITCHED: (view, time) => unfreeze(view, time),
  UNFREEZING: (view, time) => afterAcks(view, time, complete, refreeze),
  ROLLING_BACK: finishRollBack,
  ROLLED_BACK: () => DONE,
  STUCK_FROZEN: () => DONE,
  COMPLETED: () => DONE,
};

/** The next step of an apply under way. Pure: the same world at the same time has the same next step. */
export function nextStep(view: ApplyView, time: StepTime): NextStep {
  return view.apply.ended ? DONE : STEPS[view.apply.stage](view, time);
}

/**
 * The first step for an apply that somebody else drove and nobody drives now. One that was handed over to wait for
 * acknowledgements carries on; of the others, what has not switched yet is taken back, what has is finished.
 */
export function takeOverStep(view: ApplyView, time: StepTime): NextStep {
  const { apply } = view;
  const isWaiting = apply.stage === "FREEZING" && apply.handedOver;
  if (isWaiting || !canGoBack(apply)) return nextStep(view, time);
  return rollBack(view, time, "its driver was lost before the switch");
}

/** The step back, for an apply that has not switched. */
export function rollBack({ apply }: ApplyView, time: StepTime, message: string): NextStep {
  return step({ apply: at(apply, "ROLLING_BACK", time, { message }) });
}

/** Ends what has switched in the safe state: the switch stands, the world is frozen, an operator carries on. */
export function park(
  view: ApplyView,
  time: StepTime,
  message: string,
  ended = false,
): NextStep & { kind: "step" } {
  const { apply, activations } = view;
  const parked = at(apply, "STUCK_FROZEN", time, { message, ended });
  if (activations.freeze !== undefined) return step({ apply: parked });
  const written = freezeAll(activations, freezeOf(apply), authorOf(view, time));
  return step({ ...written, apply: parked });
}

/** Lifts the freeze and waits for the roster; also the way on from STUCK_FROZEN, once an operator asks for it. */
export function unfreeze(view: ApplyView, time: StepTime): NextStep {
  const { apply, activations } = view;
  const shut = shutGate(view);
  if (shut !== undefined) return park(view, time, shut);
  const written = unfreezeAll(activations, authorOf(view, time));
  return step({ ...written, apply: awaiting(apply, "UNFREEZING", written.activations.sequence, view, time) });
}

/** Why a switch must not be put into force now, if so. */
function shutGate({ worldId, switches, activations, apply }: ApplyView): string | undefined {
  const refusal = openGate(worldId, switches);
  if (refusal !== undefined) return refusal.message;
  if (switches.allowLive || !needsLive(switchedContents(activations.held, apply.target))) return undefined;
  return `world ${worldId} does not allow live trading`;
}

function freeze(view: ApplyView, time: StepTime): NextStep {
  const { apply, activations } = view;
  const written = freezeAll(activations, freezeOf(apply), authorOf(view, time));
  return step({ ...written, apply: awaiting(apply, "FREEZING", written.activations.sequence, view, time) });
}

function confirmFrozen({ apply }: ApplyView, time: StepTime): NextStep {
  return step({ apply: at(apply, "FROZEN", time) });
}

/** The commit point: the decisions change, and with them what the entries will be once they are unfrozen. */
function switchOver(view: ApplyView, time: StepTime): NextStep {
  const { apply, activations } = view;
  const shut = shutGate(view);
  if (shut !== undefined) return rollBack(view, time, shut);
  return step({
    decisions: apply.target,
    activations: { ...activations, held: switchedContents(activations.held, apply.target) },
    apply: at(apply, "SWITCHED", time),
  });
}

function complete({ apply }: ApplyView, time: StepTime): NextStep {
  return step({ apply: at(apply, "COMPLETED", time, { ended: true }) });
}

type OutOfTime = (view: ApplyView, time: StepTime, missing: readonly string[]) => NextStep;

function afterAcks(view: ApplyView, time: StepTime, onward: Step, outOfTime: OutOfTime): NextStep {
  const missing = missingNow(view);
  if (missing.length === 0) return onward(view, time);
  return time.nowMs < view.apply.awaitUntilMs ? { kind: "wait", missing } : outOfTime(view, time, missing);
}

/** Whose acknowledgement the apply awaits now. */
export function missingNow({ apply, acks }: ApplyView): string[] {
  return apply.awaitedSequence === 0 ? [] : missingAcks(apply.roster, apply.awaitedSequence, acks);
}

function rollBackUnacknowledged(view: ApplyView, time: StepTime, missing: readonly string[]): NextStep {
  const next = rollBack(view, time, `the freeze was not acknowledged in time by ${missing.join(", ")}`);
  return withTimeout(next, view, missing);
}

function refreeze(view: ApplyView, time: StepTime, missing: readonly string[]): NextStep {
  const next = park(view, time, `the switch was not acknowledged in time by ${missing.join(", ")}`);
  return withTimeout(next, view, missing);
}

function withTimeout(next: NextStep, { apply }: ApplyView, missing: readonly string[]): NextStep {
  if (next.kind !== "step") return next;
  const ackTimeout = { runId: apply.runId, sequence: apply.awaitedSequence, missing };
  return { ...next, change: { ...next.change, ackTimeout } };
}

/** The former state is what is held; whether it is put into force again depends on who else wants the world frozen. */
function finishRollBack(view: ApplyView, time: StepTime): NextStep {
  const { apply, activations } = view;
  const back = at(apply, "ROLLED_BACK", time, { ended: true });
  const author = authorOf(view, time);
  if (apply.unfreezeOnRollback && activations.freeze === undefined) return step({ apply: back });
  if (mayUnfreeze(view)) return step({ ...unfreezeAll(activations, author), apply: back });
  const freeze = activations.freeze?.by === "COMMAND" ? activations.freeze : freezeOf(apply);
  return step({ ...freezeAll(activations, freeze, author), apply: back });
}

function mayUnfreeze({ worldId, switches, apply, activations, acks }: ApplyView): boolean {
  const { freeze: hold } = activations;
  if (!apply.unfreezeOnRollback || hold?.by !== "APPLY") return false;
  if (openGate(worldId, switches) !== undefined) return false;
  if (needsLive(activations.held) && !switches.allowLive) return false;
  return missingAcks(hold.roster, hold.sequence, acks).length === 0;
}

function freezeOf({ runId, roster }: ApplyRecord) {
  return { by: "APPLY", runId, roster } as const;
}

function authorOf({ worldId, apply }: ApplyView, { nowMs }: StepTime): Author {
  return { worldId, runId: apply.runId, nowMs };
}

function at(
  apply: ApplyRecord,
  stage: ApplyStage,
  { nowMs }: StepTime,
  more: Partial<ApplyRecord> = {},
): ApplyRecord {
  return {
    ...apply,
    stage,
    step: apply.step + 1,
    awaitedSequence: 0,
    awaitUntilMs: 0,
    handedOver: false,
    updatedAtMs: nowMs,
    ...more,
  };
}

function awaiting(
  apply: ApplyRecord,
  stage: ApplyStage,
  sequence: number,
  { acks }: ApplyView,
  time: StepTime,
): ApplyRecord {
  return at(apply, stage, time, {
    awaitedSequence: sequence,
    awaitUntilMs: time.nowMs + time.ackTimeoutMs,
    handedOver: missingAcks(apply.roster, sequence, acks).length > 0,
  });
}

function step(change: WorldChange & { readonly apply: ApplyRecord }): NextStep & { kind: "step" } {
  return { kind: "step", change };
}
