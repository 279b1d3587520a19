import { DomainError } from "../../domain/errors.ts";
import type { AlphaEnvelope } from "../../domain/events/types.ts";
import type { RebalanceInput, StrategyRatios } from "../../domain/rebalance/types.ts";
import type { AllocationRun, StoredRunRecord } from "../../domain/runs/types.ts";
import type { WorldState } from "../../domain/state/world-state.ts";
import type { Doc, ReadResult } from "../../ports/store.ts";
import { figuresOfPlan, marksOf } from "../alpha-metrics/plan-figures.ts";
import { assertExecutable } from "../execute/planned-upsert.ts";
import { runIdReused } from "../shared/commit-outcome.ts";
import type { WriteDeps } from "../shared/deps.ts";
import { STATE_KINDS, stored, worldState } from "../shared/keys.ts";
import { assertWorldsOpen, gateExpectations, gateKeys } from "../shared/world-gates.ts";
import { inputOf } from "./prepare.ts";
import type { AllocationContext, AllocationExecutionPlan } from "./types.ts";

/**
 * Stage 2: the earlier run of this id, looked up inside the lock, the state of the worlds before, and the figures of
 * their series.
 *
 * @throws DomainError RUN_ID_REUSED when the id belongs to another request, WORLD_NOT_FOUND, WORLD_SUSPENDED,
 *   CIRCUIT_BREAKER_OPEN or WORLD_FROZEN when a world accepts no changes, ETAG_MISMATCH when one changed since the
 *   caller read it. A replay is answered whatever worlds and etags say by now.
 */
export async function buildContext(
  deps: WriteDeps,
  plan: AllocationExecutionPlan,
): Promise<AllocationExecutionPlan> {
  const { docs, budgetTotal } = plan.read as ReadResult;
  const earlier = sameRun(plan, docs[0]);
  const states = new Map<string, WorldState>();
  const versions = new Map<string, number>();
  plan.lockedIds.forEach((worldId, i) => {
    const from = 1 + i * STATE_KINDS.length;
    states.set(worldId, worldState(docs.slice(from, from + STATE_KINDS.length)));
    versions.set(worldId, docs[from]?.version ?? 0);
  });
  const gates = docs.slice(-gateKeys(plan.plannedIds).length);
  if (earlier === undefined) await assertMayChange(deps, plan, states, gates);
  const input = inputWith(plan, states);
  const alphaMetrics = earlier === undefined ? await figures(deps, plan, input) : undefined;
  const unchanged = gateExpectations(plan.plannedIds, gates);
  const context: AllocationContext = {
    earlier,
    states,
    versions,
    unchanged,
    budgetTotal,
    input,
    alphaMetrics,
  };
  return { ...plan, context };
}

async function assertMayChange(
  { execution }: WriteDeps,
  plan: AllocationExecutionPlan,
  states: ReadonlyMap<string, WorldState>,
  gates: readonly (Doc | undefined)[],
): Promise<void> {
  assertWorldsOpen(plan.plannedIds, gates);
  assertEtags(plan, states);
  if (plan.call.execute) await assertExecutable(execution, plan.call, plan.plannedIds, gates);
}

/** The request, filled up with the shares before. */
function inputWith(plan: AllocationExecutionPlan, states: ReadonlyMap<string, WorldState>): RebalanceInput {
  return {
    ...inputOf(plan.call),
    worldBefore: new Map(plan.worldIds.map((id) => [id, states.get(id)?.allocation?.allocation ?? 0])),
    strategyBefore: strategyBefore(plan, states),
  };
}

/** What the request gives for a world, else what is stored for it. */
function strategyBefore(
  plan: AllocationExecutionPlan,
  states: ReadonlyMap<string, WorldState>,
): StrategyRatios {
  const known = plan.worldIds.flatMap((id) => {
    const total = states.get(id)?.allocation?.strategyAllocTotal;
    return total === undefined ? [] : [[id, total] as const];
  });
  return new Map([...known, ...plan.call.strategyBefore]);
}

function figures(
  { alpha }: WriteDeps,
  plan: AllocationExecutionPlan,
  input: RebalanceInput,
): Promise<AlphaEnvelope | undefined> {
  const { call, negotiated, series, worldIds, lockedIds } = plan;
  const { docs } = plan.read as ReadResult;
  const marks = marksOf(worldIds, docs.slice(1 + lockedIds.length * STATE_KINDS.length));
  return figuresOfPlan(alpha, { negotiated, input, mode: call.mode, series, marks });
}

function sameRun(plan: AllocationExecutionPlan, doc: Doc | undefined): AllocationRun | undefined {
  const run = stored<StoredRunRecord>(doc);
  if (run === undefined) return undefined;
  if (run.rpc !== "UpsertAllocations" || run.fingerprint !== plan.fingerprint)
    throw runIdReused(plan.call.runId);
  return run;
}

function assertEtags(plan: AllocationExecutionPlan, states: ReadonlyMap<string, WorldState>): void {
  for (const [worldId, etag] of plan.call.etagByWorld) {
    const current = currentEtag(states.get(worldId));
    if (current !== etag) throw etagMismatch(worldId, current);
  }
}

/** Empty where the world has no allocation. */
function currentEtag(state: WorldState | undefined): string {
  return state?.allocation?.etag ?? "";
}

function etagMismatch(worldId: string, current: string): DomainError {
  return new DomainError("ETAG_MISMATCH", `the allocation of world ${worldId} changed since it was read`, {
    metadata: { world_id: worldId, current },
  });
}
