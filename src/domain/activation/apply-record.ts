import { DomainError } from "../errors.ts";
import type { ApplyStage } from "../state/world-state.ts";
import { compareUtf8 } from "../text.ts";

/** One two-phase apply, as it is stored with every stage. */
export interface ApplyRecord {
  readonly worldId: string;
  readonly runId: string;
  /** Equal for equal requests only. */
  readonly fingerprint: string;
  readonly stage: ApplyStage;
  /** How many stages it has reached, 1 = REQUESTED. */
  readonly step: number;
  /** Strategies decided before, sorted. */
  readonly previous: readonly string[];
  /** Strategies decided after, sorted. */
  readonly target: readonly string[];
  /** Who must acknowledge, as the world's roster was when the apply was accepted. */
  readonly roster: readonly string[];
  /** Sequence they must acknowledge now; 0 = nothing is awaited. */
  readonly awaitedSequence: number;
  /** When waiting for it ends. Liveness only: what happens then is safe at any time. */
  readonly awaitUntilMs: number;
  /**
   * True once the driver stopped in order to wait for acknowledgements: from then on any replica may carry on. False:
   * an apply that nobody drives was left by a driver that is gone.
   */
  readonly handedOver: boolean;
  readonly unfreezeOnRollback: boolean;
  /** Why it was rolled back or is stuck. */
  readonly message: string;
  /** Nothing more will happen to it. */
  readonly ended: boolean;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** A change of what is decided. */
export interface ActivationPlan {
  readonly activate: readonly string[];
  readonly deactivate: readonly string[];
}

/** (before without `deactivate`) and `activate`, sorted. */
export function plannedTarget(before: readonly string[], plan: ActivationPlan): string[] {
  const off = new Set(plan.deactivate);
  return sortedSet([...before.filter((strategyId) => !off.has(strategyId)), ...plan.activate]);
}

/** Each once, in the order of the UTF-8 bytes. */
export function sortedSet(ids: readonly string[]): string[] {
  return [...new Set(ids)].sort(compareUtf8);
}

/** Stages from which an apply is finished, never taken back. */
const SWITCHED_STAGES: ReadonlySet<ApplyStage> = new Set([
  "SWITCHED",
  "UNFREEZING",
  "COMPLETED",
  "STUCK_FROZEN",
]);

/** True from the commit point on. */
export function hasSwitched({ stage }: Pick<ApplyRecord, "stage">): boolean {
  return SWITCHED_STAGES.has(stage);
}

const STAGES_BEFORE: ReadonlySet<ApplyStage> = new Set(["REQUESTED", "FREEZING", "FROZEN"]);

/** True while it is on its way to the commit point, and can still be taken back. */
export function canGoBack({ stage }: Pick<ApplyRecord, "stage">): boolean {
  return STAGES_BEFORE.has(stage);
}

const ROLL_BACK_STAGES: ReadonlySet<ApplyStage> = new Set(["ROLLING_BACK", "ROLLED_BACK"]);

/** Strategies that are active or will be, once the apply has ended as it is heading now. */
export function headingFor(apply: ApplyRecord): readonly string[] {
  return ROLL_BACK_STAGES.has(apply.stage) ? apply.previous : apply.target;
}

/** Stages whose acknowledgements are awaited before the next one. */
const WAITING_STAGES: ReadonlySet<ApplyStage> = new Set(["FREEZING", "UNFREEZING"]);

export function awaitsAcks({ stage }: Pick<ApplyRecord, "stage">): boolean {
  return WAITING_STAGES.has(stage);
}

/**
 * Refuses what may not happen beside an open apply.
 *
 * @throws DomainError APPLY_FROZEN while the apply is stuck and waits for an operator, else APPLY_IN_PROGRESS.
 */
export function assertNoOpenApply(apply: ApplyRecord | undefined): void {
  if (apply === undefined || apply.ended) return;
  if (apply.stage === "STUCK_FROZEN") throw applyFrozen(apply, []);
  throw applyInProgress(apply);
}

export function applyInProgress({ worldId, runId, stage }: ApplyRecord): DomainError {
  return new DomainError("APPLY_IN_PROGRESS", `apply ${runId} of world ${worldId} is open (${stage})`, {
    metadata: { world_id: worldId, run_id: runId, stage },
  });
}

/** @param missing subscribers whose acknowledgement is awaited; none = an operator is. */
export function applyFrozen({ worldId, runId, stage }: ApplyRecord, missing: readonly string[]): DomainError {
  const waits = missing.length === 0 ? "" : `; not acknowledged by ${missing.join(", ")}`;
  return new DomainError("APPLY_FROZEN", `apply ${runId} holds world ${worldId} frozen (${stage})${waits}`, {
    metadata: {
      world_id: worldId,
      run_id: runId,
      stage,
      ...(missing.length === 0 ? {} : { missing: missing.join(",") }),
    },
  });
}

export function worldFrozen(
  worldId: string,
  why: string,
  metadata: Readonly<Record<string, string>> = {},
): DomainError {
  return new DomainError("WORLD_FROZEN", `world ${worldId} is frozen: ${why}`, {
    metadata: { world_id: worldId, ...metadata },
  });
}
