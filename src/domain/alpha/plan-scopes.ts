import { internPairs } from "../rebalance/intern.ts";
import { strategyTargets } from "../rebalance/scales.ts";
import type { PositionColumns, Ratios, RebalanceInput, RebalanceMode } from "../rebalance/types.ts";
import type { AlphaScope } from "./build-envelope.ts";

/**
 * The worlds and strategies whose figures belong to a plan, known from its input alone: every world that holds
 * positions with the strategies that its plan scales (the keys of `scale_by_strategy`); in overlay mode, which plans for
 * whole worlds, every world of the shares after.
 *
 * Weights, from which a world without a series of its own is put together: the strategies' ratios after, where these
 * give anybody anything, else those before, else the size of what each strategy holds (Σ quantity · mark, without sign:
 * a short sleeve ties capital up as a long one does).
 */
export function planScopes(input: RebalanceInput, mode: RebalanceMode): AlphaScope[] {
  const holdings = holdingsByWorld(input.positions);
  const worlds = mode.kind === "overlay" ? input.worldAfter.keys() : holdings.keys();
  return [...worlds].map((worldId) => scopeOf(input, worldId, holdings.get(worldId) ?? new Map()));
}

function scopeOf(
  input: RebalanceInput,
  worldId: string,
  byStrategy: ReadonlyMap<string, number>,
): AlphaScope {
  // Which strategies there are does not depend on what they are worth, only the inferred ratios would.
  const { after } = strategyTargets(input, worldId, { total: 0, byStrategy });
  const held = new Map([...byStrategy].map(([id, notional]) => [id, Math.abs(notional)]));
  const candidates = [input.strategyAfter.get(worldId), input.strategyBefore.get(worldId), held];
  return { worldId, strategyIds: [...after.keys()], weights: candidates.find(givesAnything) ?? new Map() };
}

function givesAnything(weights: Ratios | undefined): weights is Ratios {
  return weights !== undefined && [...weights.values()].some((weight) => weight > 0);
}

/** Σ quantity · mark of each strategy, by world, both in order of first appearance. */
function holdingsByWorld(positions: PositionColumns): Map<string, Map<string, number>> {
  const { world, strategy, worlds, strategies, count, qty, mark } = positions;
  const sleeves = internPairs(world, strategy, count, worlds.length, strategies.length);
  const notional = new Float64Array(sleeves.size);
  for (let row = 0; row < count; row++) {
    const sleeve = sleeves.ids[row] as number;
    notional[sleeve] = (notional[sleeve] as number) + (qty[row] as number) * (mark[row] as number);
  }
  const byWorld = new Map<string, Map<string, number>>();
  for (let sleeve = 0; sleeve < sleeves.size; sleeve++) {
    const row = sleeves.firstRow[sleeve] as number;
    const worldId = worlds[world[row] as number] as string;
    const byStrategy = byWorld.get(worldId) ?? new Map<string, number>();
    byStrategy.set(strategies[strategy[row] as number] as string, notional[sleeve] as number);
    byWorld.set(worldId, byStrategy);
  }
  return byWorld;
}
