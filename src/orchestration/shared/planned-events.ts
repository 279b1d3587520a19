import { splitByWorld } from "../../domain/alpha/split-envelope.ts";
import type { AlphaEnvelope, DomainEvent } from "../../domain/events/types.ts";
import type { WorldPlan } from "../../domain/rebalance/types.ts";
import type { RunRecord } from "../../domain/runs/types.ts";

/**
 * The worlds that a run plans for, in the order of the plan: those that scale, then those that only overlay, then
 * those whose overlay is too small to trade.
 */
export function plannedWorlds({ plan }: RunRecord): string[] {
  const worlds = new Set<string>();
  for (const { worldId } of plan.perWorld) worlds.add(worldId);
  for (const { worldId } of plan.overlayDeltas) worlds.add(worldId);
  for (const { worldId } of plan.skipped) worlds.add(worldId);
  worlds.delete(""); // what was dropped over all worlds
  return [...worlds];
}

/** One `rebalancing_planned` event per world of a run, in overlay mode too, each with the figures of its own world. */
export function rebalancingPlannedEvents(run: RunRecord): DomainEvent[] {
  const plans = new Map(run.plan.perWorld.map((plan) => [plan.worldId, plan]));
  const overlays = Map.groupBy(run.plan.overlayDeltas, (delta) => delta.worldId);
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
      overlayDeltas: overlays.get(worldId) ?? [],
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
