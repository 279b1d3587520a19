import { DomainError } from "../errors.ts";
import { activeGate, breakerGate, existsGate, liveGate, openGate, pass } from "../worlds/switches.ts";
import { type EntryContent, findEntry, isEffective } from "./activations.ts";
import { type ApplyRecord, applyFrozen, applyInProgress, hasSwitched, worldFrozen } from "./apply-record.ts";
import { type ApplyView, park, rollBack } from "./apply-steps.ts";
import { freezeAll, missingAcks, needsLive, takeOverFreeze, unfreezeAll, writeEntry } from "./freeze.ts";
import type { WorldChange, WorldView } from "./world-change.ts";

/**
 * One command on the activations of a world. It decides; storing and publishing are consequences of the one commit
 * that its change becomes.
 */
export interface ActivationCommand {
  /** As audit lines name it. */
  readonly action: string;
  /** Empty where no run was named. */
  readonly runId: string;
  /**
   * @returns what to change; undefined when the world is as the command wants it.
   * @throws DomainError when the command is refused.
   */
  run(view: WorldView, nowMs: number): WorldChange | undefined;
}

/** Writes one entry whole. An empty etag checks nothing. */
export function upsertActivation(content: EntryContent, runId: string, etag: string): ActivationCommand {
  return {
    action: "activation_upserted",
    runId,
    run(view, nowMs) {
      const { worldId } = view;
      pass(activeGate, worldId, view.switches);
      if (view.apply !== undefined && !view.apply.ended) throw applyInProgress(view.apply);
      assertMayBecome(content, view);
      assertEntryEtag(content, view, etag);
      return writeEntry(view.activations, content, { worldId, runId, nowMs });
    },
  };
}

function assertMayBecome(content: EntryContent, { worldId, switches, activations }: WorldView): void {
  if (content.effectiveMode === "LIVE") pass(liveGate, worldId, switches);
  if (!isEffective(content)) return;
  pass(breakerGate, worldId, switches);
  if (activations.freeze !== undefined) throw worldFrozen(worldId, "no entry can become active");
}

function assertEntryEtag({ strategyId, side }: EntryContent, view: WorldView, etag: string): void {
  const current = findEntry(view.activations, strategyId, side)?.etag ?? "";
  if (etag === "" || etag === current) return;
  throw new DomainError("ETAG_MISMATCH", `the entry ${strategyId} ${side} changed since it was read`, {
    metadata: { world_id: view.worldId, strategy_id: strategyId, side, current },
  });
}

/** Freezes a world at once. An open apply goes back if it has not switched, else it is parked frozen. */
export function freezeWorld(runId: string): ActivationCommand {
  return {
    action: "world_frozen",
    runId,
    run(view, nowMs) {
      pass(existsGate, view.worldId, view.switches);
      const apply = stopApply(view, nowMs);
      if (view.activations.freeze?.by === "COMMAND") return apply;
      return { ...apply, ...hold(view, runId, nowMs) };
    },
  };
}

function hold(view: WorldView, runId: string, nowMs: number): WorldChange {
  const { worldId, activations, switches } = view;
  const freeze = { by: "COMMAND", runId } as const;
  if (activations.freeze !== undefined) return { activations: takeOverFreeze(activations, freeze) };
  const roster = view.apply?.ended === false ? view.apply.roster : switches.ackRoster;
  return freezeAll(activations, { ...freeze, roster }, { worldId, runId, nowMs });
}

const STOPPED = "FreezeWorld froze the world";
/** Frozen until somebody else says otherwise. */
const STOPPING: ReadonlySet<ApplyRecord["stage"]> = new Set(["ROLLING_BACK", "STUCK_FROZEN"]);

/** What a freeze does to an open apply; only its stage, the entries are the freeze's own part. */
function stopApply(view: WorldView, nowMs: number): WorldChange | undefined {
  const { apply } = view;
  if (apply === undefined || apply.ended || STOPPING.has(apply.stage)) return undefined;
  const at = { nowMs, ackTimeoutMs: 0 };
  const open: ApplyView = { ...view, apply };
  const next = hasSwitched(apply) ? park(open, at, STOPPED) : rollBack(open, at, STOPPED);
  return next.kind === "step" ? { apply: next.change.apply } : undefined;
}

/** Lifts a freeze once its roster has acknowledged it. */
export function unfreezeWorld(runId: string): ActivationCommand {
  return {
    action: "world_unfrozen",
    runId,
    run(view, nowMs) {
      const { worldId, switches, activations, apply } = view;
      pass(openGate, worldId, switches);
      if (apply !== undefined && !apply.ended) throw applyFrozen(apply, []);
      if (activations.freeze === undefined) return undefined;
      assertAcknowledged(view);
      if (needsLive(activations.held)) pass(liveGate, worldId, switches);
      return unfreezeAll(activations, { worldId, runId, nowMs });
    },
  };
}

function assertAcknowledged({ worldId, activations, acks }: WorldView): void {
  const { roster, sequence } = activations.freeze ?? { roster: [], sequence: 0 };
  const missing = missingAcks(roster, sequence, acks);
  if (missing.length === 0) return;
  throw worldFrozen(worldId, `the freeze is not acknowledged by ${missing.join(", ")}`, {
    missing: missing.join(","),
    sequence: String(sequence),
  });
}
