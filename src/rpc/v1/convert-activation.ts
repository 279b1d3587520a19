import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type ActivationEntrySchema,
  type ActivationPlan,
  ActivationSide,
  type ApplySchema,
  ApplyStage,
  type ApplyWorldResponseSchema,
  type UpsertActivationRequest,
} from "#gen/worldservice/v1/activation_service_pb.ts";
import { EffectiveMode } from "#gen/worldservice/v1/decision_service_pb.ts";
import type { EntryContent } from "../../domain/activation/activations.ts";
import type { ActivationPlan as PlanFields } from "../../domain/activation/apply-record.ts";
import { normalizeWeight } from "../../domain/decision/normalize-weight.ts";
import { type FieldViolation, invalidFields } from "../../domain/errors.ts";
import type {
  ActivationEntry,
  EffectiveMode as Mode,
  ActivationSide as Side,
} from "../../domain/state/world-state.ts";
import type { ApplyOutcome } from "../../orchestration/apply-world/apply-world.ts";
import type { ApplyStanding } from "../../orchestration/apply-world/read-applies.ts";
import { checkIdList } from "../ids.ts";

/** Unknown sides are refused before, by the rules in the proto. */
export function fromSide(side: ActivationSide): Side {
  return side === ActivationSide.SHORT ? "SHORT" : "LONG";
}

const MODES: ReadonlyMap<EffectiveMode, Mode> = new Map([
  [EffectiveMode.COMPUTE_ONLY, "COMPUTE_ONLY"],
  [EffectiveMode.PAPER, "PAPER"],
  [EffectiveMode.LIVE, "LIVE"],
  [EffectiveMode.SHADOW, "SHADOW"],
]);

/** An entry as a request gives it: what is not given gets its default, not its former value. */
export function fromUpsertActivation(request: UpsertActivationRequest): EntryContent {
  const { strategyId, active, freeze, drain } = request;
  return {
    strategyId,
    side: fromSide(request.side),
    active,
    weight: normalizeWeight(request.weight, active) ?? 0,
    freeze,
    drain,
    effectiveMode: MODES.get(request.effectiveMode) ?? "VALIDATE",
  };
}

export function toActivationEntry(entry: ActivationEntry): MessageInitShape<typeof ActivationEntrySchema> {
  const { worldId, strategyId, active, weight, freeze, drain, etag, runId } = entry;
  return {
    worldId,
    strategyId,
    side: ActivationSide[entry.side],
    active,
    weight,
    freeze,
    drain,
    effectiveMode: EffectiveMode[entry.effectiveMode],
    etag,
    runId,
    updatedAt: timestampFromMs(entry.updatedAtMs),
  };
}

/** @throws DomainError INVALID_FIELD for a strategy in both lists, which no order of the two could decide. */
export function fromActivationPlan({
  activate,
  deactivate,
}: Pick<ActivationPlan, "activate" | "deactivate">): PlanFields {
  checkIdList("plan.activate", activate);
  checkIdList("plan.deactivate", deactivate);
  const off = new Set(deactivate);
  const violations = activate.flatMap((strategyId, at): FieldViolation[] =>
    off.has(strategyId) ? [{ field: `plan.activate[${at}]`, description: "is to be deactivated, too" }] : [],
  );
  if (violations.length > 0) throw invalidFields(violations.slice(0, 20));
  return { activate, deactivate };
}

export function toApplyResponse({
  apply,
  active,
  replayed,
}: ApplyOutcome): MessageInitShape<typeof ApplyWorldResponseSchema> {
  const { runId, stage } = apply;
  return { runId, stage: ApplyStage[stage], active: [...active], ok: stage === "COMPLETED", replayed };
}

export function toApply({ apply, missing }: ApplyStanding): MessageInitShape<typeof ApplySchema> {
  const { worldId, runId, stage, unfreezeOnRollback, message, ended } = apply;
  return {
    worldId,
    runId,
    stage: ApplyStage[stage],
    ok: stage === "COMPLETED",
    previous: [...apply.previous],
    target: [...apply.target],
    roster: [...apply.roster],
    missing: [...missing],
    awaitedSequence: BigInt(apply.awaitedSequence),
    unfreezeOnRollback,
    message: [...message].slice(0, 1024).join(""),
    ended,
    createdAt: timestampFromMs(apply.createdAtMs),
    updatedAt: timestampFromMs(apply.updatedAtMs),
  };
}
