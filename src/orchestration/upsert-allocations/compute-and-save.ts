import type { DomainEvent } from "../../domain/events/types.ts";
import { selectRows } from "../../domain/rebalance/columns.ts";
import { assertFinite, planRebalance } from "../../domain/rebalance/index.ts";
import type { PlanWarning, RebalanceInput, RebalancePlan } from "../../domain/rebalance/types.ts";
import { worldsSeen } from "../../domain/rebalance/warnings.ts";
import type { AllocationRun } from "../../domain/runs/types.ts";
import type { Allocation, WorldState } from "../../domain/state/world-state.ts";
import { toStored } from "../../domain/stored-json.ts";
import type { AuditDraft, BudgetChange, CommitRequest, EventDraft } from "../../ports/store.ts";
import { executionOfUpsert } from "../execute/planned-upsert.ts";
import { executionWrites } from "../execute/records.ts";
import { auditOfRun } from "../shared/audit.ts";
import { BUDGET_UNITS, effectOf } from "../shared/commit-outcome.ts";
import type { WriteDeps } from "../shared/deps.ts";
import { sha256, stateHash } from "../shared/hashing.ts";
import { runKey, stored, worldKey } from "../shared/keys.ts";
import { rebalancingPlannedEvents } from "../shared/planned-events.ts";
import type { AllocationContext, AllocationExecutionPlan } from "./types.ts";

/**
 * Stage 3: plans (pure), then one atomic commit of run record, allocations, audit and events. The commit itself checks
 * fence, run id and versions: a holder that lost its lock changes nothing.
 *
 * @throws DomainError RUN_ID_REUSED, LOCK_LOST, ETAG_MISMATCH, ALLOCATION_SUM_EXCEEDED (v2), STORE_UNAVAILABLE.
 */
export async function computeAndSave(
  deps: WriteDeps,
  plan: AllocationExecutionPlan,
): Promise<AllocationExecutionPlan> {
  const context = plan.context as AllocationContext;
  if (context.earlier !== undefined) return { ...plan, run: context.earlier, replayed: true };
  const run = compute(plan, context, deps.clock.now());
  const effect = effectOf(
    await deps.store.commit(commitOf(plan, context, run, plannedWrites(deps, run))),
    run.runId,
  );
  const before = effect.kind === "replayed" ? stored<AllocationRun>(effect.run) : undefined;
  return { ...plan, run: before ?? run, replayed: before !== undefined };
}

function compute(plan: AllocationExecutionPlan, context: AllocationContext, nowMs: number): AllocationRun {
  const { call } = plan;
  const { input } = context;
  const rebalance = planNamed(plan, input);
  assertFinite(rebalance, call.positionSource === "rows" ? "positions" : "position_table");
  return {
    runId: call.runId,
    rpc: "UpsertAllocations",
    rules: call.rules,
    fingerprint: plan.fingerprint,
    etag: plan.etag,
    requestedVersion: call.requestedVersion,
    negotiated: plan.negotiated,
    input,
    mode: call.mode,
    positionSource: call.positionSource,
    constraints: call.constraints,
    intent: plan.negotiated.schemaVersion === 2 ? call.intent : undefined,
    plan: withSumWarning(rebalance, plan, context),
    alphaSeries: plan.series,
    alphaMetrics: context.alphaMetrics,
    executionStatus: "NOT_REQUESTED",
    createdAtMs: nowMs,
    stage: "COMPUTE_AND_SAVE",
    execute: call.execute,
    worldIds: plan.worldIds,
    givenStrategyBefore: call.strategyBefore,
    etagByWorld: new Map(plan.worldIds.map((id) => [id, sha256(`${plan.fingerprint}|${call.runId}|${id}`)])),
  };
}

/**
 * Worlds that are not named keep their share, so their positions are left alone: they are no part of the plan, and a
 * warning says so. (Package v2 has refused them by now.)
 */
function planNamed({ call }: AllocationExecutionPlan, input: RebalanceInput): RebalancePlan {
  const { positions } = input;
  const unnamed = [...worldsSeen(positions).held].filter((id) => !call.worldAllocations.has(id));
  if (unnamed.length === 0) return planRebalance(input, call.mode, call.rules);
  const isNamed = positions.worlds.map((id) => call.worldAllocations.has(id));
  const named = selectRows(positions, (row) => isNamed[positions.world[row] ?? 0] === true);
  const rebalance = planRebalance({ ...input, positions: named }, call.mode, call.rules);
  return { ...rebalance, warnings: [...unnamed.map(leftAlone), ...rebalance.warnings] };
}

function leftAlone(worldId: string): PlanWarning {
  const message = `world '${worldId}' is not named in world_allocations: it keeps its share, its positions are left alone`;
  return { code: "WORLD_MISSING_IN_AFTER", worldId, strategyId: "", symbol: "", venue: undefined, message };
}

/** In v1 a book above 1 is allowed and named; in v2 the commit refuses it. */
function withSumWarning(
  rebalance: RebalancePlan,
  plan: AllocationExecutionPlan,
  context: AllocationContext,
): RebalancePlan {
  const sum = bookSum(plan, context) / BUDGET_UNITS;
  const known = rebalance.warnings.some((warning) => warning.code === "ALLOCATION_SUM_ABOVE_ONE");
  if (sum <= 1 || known) return rebalance;
  const warning: PlanWarning = {
    code: "ALLOCATION_SUM_ABOVE_ONE",
    worldId: "",
    strategyId: "",
    symbol: "",
    venue: undefined,
    message: `the book's allocations sum to ${sum}`,
  };
  return { ...rebalance, warnings: [...rebalance.warnings, warning] };
}

function bookSum(plan: AllocationExecutionPlan, context: AllocationContext): number {
  return plan.worldIds.reduce((sum, id) => {
    return sum - toUnits(shareBefore(context, id)) + toUnits(plan.call.worldAllocations.get(id) ?? 0);
  }, context.budgetTotal);
}

function shareBefore(context: AllocationContext, worldId: string): number {
  return context.states.get(worldId)?.allocation?.allocation ?? 0;
}

function toUnits(ratio: number): number {
  return Math.round(ratio * BUDGET_UNITS);
}

/** With `execute` the run's execution is part of the same commit: no crash can come between the two. */
function plannedWrites(
  { execution }: WriteDeps,
  run: AllocationRun,
): Partial<ReturnType<typeof executionWrites>> {
  if (!run.execute) return {};
  const planned = executionOfUpsert(execution, run);
  return executionWrites(planned, planned.legs.length > 0);
}

function commitOf(
  plan: AllocationExecutionPlan,
  context: AllocationContext,
  run: AllocationRun,
  execution: Partial<ReturnType<typeof executionWrites>>,
): CommitRequest {
  const changes = plan.worldIds.map((id) => changeOf(id, plan, context, run));
  const allocationEvents = changes.map((change) => allocationEvent(change, run));
  const events = [...allocationEvents, ...rebalancingPlannedEvents(run)];
  return {
    ...(plan.lease === undefined ? {} : { lease: plan.lease }),
    claim: { runId: run.runId, fingerprint: run.fingerprint },
    expect: [
      ...plan.lockedIds.map((id) => ({
        key: worldKey("allocation", id),
        version: context.versions.get(id) ?? 0,
      })),
      ...context.unchanged,
    ],
    budget: budgetOf(plan),
    puts: [
      { key: runKey(run.runId), body: toStored(run) },
      ...changes.map(({ after }) => ({ key: worldKey("allocation", after.worldId), body: toStored(after) })),
      ...(execution.puts ?? []),
    ],
    events: [
      ...events.map((event): EventDraft => ({ worldId: event.worldId, body: toStored(event) })),
      ...(execution.events ?? []),
    ],
    audit: [...changes.map(({ after }) => upsertAudit(run, after)), ...(execution.audit ?? [])],
    release: true,
  };
}

function upsertAudit(run: AllocationRun, { worldId, allocation, etag }: Allocation): AuditDraft {
  return auditOfRun(run, worldId, "world_allocation_upserted", { allocation, etag });
}

function budgetOf(plan: AllocationExecutionPlan): BudgetChange {
  const set = [...plan.call.worldAllocations].map(([member, ratio]) => ({ member, units: toUnits(ratio) }));
  return { name: "allocation", set, ...(plan.call.rules === "v2" ? { limit: BUDGET_UNITS } : {}) };
}

interface AllocationChange {
  readonly before: WorldState;
  readonly after: Allocation;
}

function changeOf(
  worldId: string,
  plan: AllocationExecutionPlan,
  context: AllocationContext,
  run: AllocationRun,
): AllocationChange {
  const before = context.states.get(worldId) as WorldState;
  const after: Allocation = {
    worldId,
    allocation: plan.call.worldAllocations.get(worldId) ?? 0,
    runId: run.runId,
    etag: run.etagByWorld.get(worldId) ?? "",
    strategyAllocTotal: plan.call.strategyAfter.get(worldId),
    updatedAtMs: run.createdAtMs,
  };
  return { before, after };
}

function allocationEvent({ before, after }: AllocationChange, run: AllocationRun): DomainEvent {
  return {
    type: "ALLOCATION_UPDATED",
    worldId: after.worldId,
    timeMs: run.createdAtMs,
    correlationId: `run:${run.runId}`,
    idempotencyKey: `allocation_updated:${after.worldId}:${after.etag}`,
    schemaVersion: run.negotiated.schemaVersion,
    payload: {
      allocation: after,
      previousAllocation: before.allocation?.allocation ?? 0,
      stateHash: stateHash({ ...before, allocation: after }),
    },
  };
}
