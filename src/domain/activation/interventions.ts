import { liveGate, openGate, pass } from "../worlds/switches.ts";
import { applyFrozen, canGoBack, hasSwitched } from "./apply-record.ts";
import { type ApplyView, type NextStep, park, rollBack, type StepTime, unfreeze } from "./apply-steps.ts";
import { missingAcks, needsLive } from "./freeze.ts";

/** What an operator makes of an apply; undefined leaves it as it is. */
export type Intervention = (view: ApplyView, time: StepTime, reason: string) => NextStep | undefined;

/**
 * Drives a stuck apply on. One that is under way or has ended stays as it is.
 *
 * @throws DomainError WORLD_NOT_FOUND, WORLD_SUSPENDED, CIRCUIT_BREAKER_OPEN, LIVE_NOT_ALLOWED, APPLY_FROZEN with the
 *   subscribers that have not acknowledged the freeze.
 */
export const resume: Intervention = (view, time) => {
  const { apply } = view;
  if (apply.ended || apply.stage !== "STUCK_FROZEN") return undefined;
  assertMayUnfreeze(view);
  return unfreeze({ ...view, apply: { ...apply, message: "" } }, time);
};

function assertMayUnfreeze({ apply, worldId, switches, activations, acks }: ApplyView): void {
  pass(openGate, worldId, switches);
  if (needsLive(activations.held)) pass(liveGate, worldId, switches);
  const { roster, sequence } = activations.freeze ?? { roster: [], sequence: 0 };
  const missing = missingAcks(roster, sequence, acks);
  if (missing.length > 0) throw applyFrozen(apply, missing);
}

/** Ends an apply: back before SWITCHED, frozen with the switch in place from then on. */
export const abort: Intervention = (view, time, reason) => {
  const { apply } = view;
  const message = `aborted: ${reason}`;
  if (canGoBack(apply)) return rollBack(view, time, message);
  return hasSwitched(apply) && !apply.ended ? park(view, time, message, true) : undefined;
};
