import { splitByWorld } from "../../domain/alpha/split-envelope.ts";
import type { AlphaEnvelope, DomainEvent } from "../../domain/events/types.ts";
import type { WorldPlan } from "../../domain/rebalance/types.ts";
import type { RunRecord } from "../../domain/runs/types.ts";

/** The worlds that a run plans for, in the order of the plan: those that scale, then those that only overlay. */
export function plannedWorlds(run: RunRecord): string[] {
  const { perWorld, overlayDeltas } = run.plan;
  return [
    ...new Set([...perWorld.map((plan) => plan.worldId), ...overlayDeltas.map((delta) => delta.worldId)]),
  ];
}

/** One `rebalancing_planned` event per world of a run, in overlay mode too, each with the figures of its own world. */
export function rebalancingPlannedEvents(run: RunRecord): DomainEvent[] {
  const plans = new Map(run.plan.perWorld.map((plan) => [plan.worldId, plan]));
  const figures = run.alphaMetrics && splitByWorld(run.alphaMetrics);
  return plannedWorlds(run).map((worldId) => ({
    type: "REBALANCING_PLANNED",
    worldId,
    timeMs: run.createdAtMs,
    correlationId: `run:${run.runId}`,
    idempotencyKey: `rebalancing_planned:${worldId}:${run.runId}`,
    schemaVersion: run.negotiated.schemaVersion,
    payload: {
      runId: run.runId,
      plan: plans.get(worldId) ?? unscaled(worldId),
      overlayDeltas: run.plan.overlayDeltas.filter((delta) => delta.worldId === worldId),
      alphaMetrics: figures && (figures.get(worldId) ?? NO_FIGURES),
      intent: run.intent,
    },
  }));
}

const NO_FIGURES: AlphaEnvelope = { perWorld: new Map(), perStrategy: new Map(), missing: [] };

/** An overlay leaves the positions of its world as they are. */
function unscaled(worldId: string): WorldPlan {
  return { worldId, scaleWorld: 1, scaleByStrategy: new Map(), deltas: [] };
}
