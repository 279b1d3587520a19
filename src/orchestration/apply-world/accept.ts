import { inWritingOrder } from "../../domain/activation/activations.ts";
import {
  type ApplyRecord,
  assertNoOpenApply,
  plannedTarget,
  sortedSet,
  worldFrozen,
} from "../../domain/activation/apply-record.ts";
import { contentOf, needsLive, switchedContents } from "../../domain/activation/freeze.ts";
import type { WorldView } from "../../domain/activation/world-change.ts";
import { DomainError } from "../../domain/errors.ts";
import { liveGate, openGate, pass } from "../../domain/worlds/switches.ts";
import type { WorldDeps } from "../activation/deps.ts";
import type { LoadedWorld } from "../activation/world-view.ts";
import { stateHash } from "../shared/hashing.ts";
import type { PreparedApply } from "./apply-world.ts";
import { commitStep, type Drive } from "./drive.ts";

/**
 * The first stage: checked, recorded, nothing changed yet.
 *
 * @returns false when the world changed since it was read: load it and try again.
 * @throws DomainError WORLD_NOT_FOUND, WORLD_SUSPENDED, CIRCUIT_BREAKER_OPEN, APPLY_FROZEN, APPLY_IN_PROGRESS,
 *   WORLD_FROZEN, ETAG_MISMATCH, LIVE_NOT_ALLOWED, LOCK_LOST, STORE_UNAVAILABLE.
 */
export function accept(
  deps: WorldDeps,
  drive: Drive,
  prepared: PreparedApply,
  loaded: LoadedWorld,
): Promise<boolean> {
  const { view } = loaded;
  assertMayStart(view, prepared.call.etag);
  const target = targetOf(prepared, view.state.decisions);
  assertMayTradeLive(view, target);
  const apply = requested(view, prepared, target, deps.clock.now());
  return commitStep(deps, drive, loaded, { apply }, { target: [...target] });
}

function assertMayStart(view: WorldView, etag: string): void {
  const { worldId, activations } = view;
  pass(openGate, worldId, view.switches);
  assertNoOpenApply(view.apply);
  if (activations.freeze?.by === "COMMAND") throw worldFrozen(worldId, "FreezeWorld froze it");
  const current = stateHash(view.state);
  if (etag === "" || etag === current) return;
  throw new DomainError("ETAG_MISMATCH", `world ${worldId} changed since it was read`, {
    metadata: { world_id: worldId, current },
  });
}

function targetOf({ call, chosen }: PreparedApply, decided: readonly string[]): readonly string[] {
  if (call.target.kind === "plan") return plannedTarget(decided, call.target.plan);
  return chosen ?? [];
}

/** Refused before anything is frozen, and once more before anything is unfrozen. */
function assertMayTradeLive(view: WorldView, target: readonly string[]): void {
  const { activations, worldId, switches } = view;
  const now =
    activations.freeze === undefined ? inWritingOrder(activations).map(contentOf) : activations.held;
  if (needsLive(switchedContents(now, target))) pass(liveGate, worldId, switches);
}

function requested(
  view: WorldView,
  { call, fingerprint }: PreparedApply,
  target: readonly string[],
  nowMs: number,
): ApplyRecord {
  return {
    worldId: view.worldId,
    runId: call.runId,
    fingerprint,
    stage: "REQUESTED",
    step: 1,
    previous: sortedSet(view.state.decisions),
    target,
    roster: view.switches.ackRoster,
    awaitedSequence: 0,
    awaitUntilMs: 0,
    handedOver: false,
    unfreezeOnRollback: call.unfreezeOnRollback,
    message: "",
    ended: false,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}
