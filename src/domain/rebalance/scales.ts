import type { Ledger } from "./ledger.ts";
import type { PlannerRules, Ratios, RebalanceInput } from "./types.ts";

/** Sums of given ratios may exceed their bound by this share before they count as above it: 0.1 + 0.2 is 0.3. */
export const RATIO_TOLERANCE = 1e-9;

/** How one world is scaled. */
export interface WorldScale {
  readonly worldId: string;
  readonly scaleWorld: number;
  /** In the order of the ratios after; a strategy that is absent follows the world. */
  readonly scaleByStrategy: ReadonlyMap<string, number>;
  /** Strategies that hold something and follow the world although ratios after were given. */
  readonly followers: readonly string[];
}

/** What one world's strategies hold, in order of first appearance: Σ qty * mark each and in total. */
export interface WorldHoldings {
  readonly total: number;
  readonly byStrategy: ReadonlyMap<string, number>;
}

/**
 * Scale of a world: after / before. From nothing to something is 1 (there is nothing to scale), nothing to
 * nothing is 0 (whatever is held gets closed).
 */
export function worldScale(before: number, after: number): number {
  if (before <= 0) return after > 0 ? 1 : 0;
  return after / before;
}

/**
 * Ratios of a world's strategies, each a share of the book's total equity: as given, else inferred from what
 * the strategies hold (before) and from the world's own change (after).
 */
export function strategyTargets(
  input: Pick<
    RebalanceInput,
    "totalEquity" | "worldBefore" | "worldAfter" | "strategyBefore" | "strategyAfter"
  >,
  worldId: string,
  holdings: WorldHoldings,
): { before: Ratios; after: Ratios } {
  const before = input.strategyBefore.get(worldId) ?? inferredBefore(input.totalEquity, holdings);
  const given = input.strategyAfter.get(worldId);
  if (given !== undefined) return { before, after: given };
  const factor = worldScale(input.worldBefore.get(worldId) ?? 0, input.worldAfter.get(worldId) ?? 0);
  const after = new Map<string, number>();
  for (const [strategy, ratio] of before) after.set(strategy, ratio * factor);
  return { before, after };
}

/** Share of the book that each strategy holds; all 0 where the world as a whole is flat or short. */
function inferredBefore(totalEquity: number, holdings: WorldHoldings): Ratios {
  const denominator = totalEquity > 0 ? totalEquity : holdings.total;
  const before = new Map<string, number>();
  for (const [strategy, value] of holdings.byStrategy) {
    before.set(strategy, holdings.total <= 0 ? 0 : value / denominator);
  }
  return before;
}

/** Scales of the strategies of `after`: after / before, or the world's own scale where there is no before. */
export function strategyScales(
  before: Ratios,
  after: Ratios,
  worldAfter: number,
  scaleWorld: number,
): Map<string, number> {
  const unscaled = worldAfter > 0 ? scaleWorld : 0;
  const scales = new Map<string, number>();
  for (const [strategy, ratio] of after) {
    const held = before.get(strategy) ?? 0;
    scales.set(strategy, held <= 0 ? unscaled : ratio / held);
  }
  return scales;
}

/** Σ of ratios, left to right. */
export function sumOfRatios(ratios: Ratios): number {
  let sum = 0;
  for (const ratio of ratios.values()) sum += ratio;
  return sum;
}

/** Whether given strategy ratios ask for more than their world has. */
export function exceedsWorld(strategySum: number, worldAfter: number): boolean {
  return strategySum > worldAfter * (1 + RATIO_TOLERANCE);
}

/** Ratios scaled down, all by the same factor, so that they sum to the world's; as they are where they fit. */
export function cappedRatios(ratios: Ratios, worldAfter: number): Ratios {
  const sum = sumOfRatios(ratios);
  if (!exceedsWorld(sum, worldAfter)) return ratios;
  return new Map([...ratios].map(([strategy, ratio]) => [strategy, ratio * (worldAfter / sum)]));
}

/** The scales of every world that has a position, in order of its first one, and the factor of each sleeve. */
export interface Scales {
  readonly worlds: readonly WorldScale[];
  /** Index into `worlds` by world index of the positions; -1 for a world without positions. */
  readonly orderOfWorld: Int32Array;
  readonly factorOfSleeve: Float64Array;
}

export function computeScales(ledger: Ledger, input: RebalanceInput, rules: PlannerRules): Scales {
  const { positions, sleeves } = ledger;
  const members = sleevesByWorld(ledger);
  const orderOfWorld = new Int32Array(positions.worlds.length).fill(-1);
  const factorOfSleeve = new Float64Array(sleeves.size);
  const worlds = members.map(({ world, ids }, order) => {
    orderOfWorld[world] = order;
    const worldId = positions.worlds[world] as string;
    const names = ids.map(
      (id) => positions.strategies[positions.strategy[sleeves.firstRow[id] as number] as number] as string,
    );
    const scale = scaleOfWorld(ledger, input, rules, { world, worldId, ids, names });
    names.forEach((name, at) => {
      factorOfSleeve[ids[at] as number] = scale.scaleByStrategy.get(name) ?? scale.scaleWorld;
    });
    return scale;
  });
  return { worlds, orderOfWorld, factorOfSleeve };
}

interface Members {
  readonly world: number;
  readonly ids: number[];
}

/** Worlds in order of first appearance, each with its sleeves in the same order. */
function sleevesByWorld({ positions, sleeves }: Ledger): Members[] {
  const byWorld = new Map<number, Members>();
  for (let id = 0; id < sleeves.size; id++) {
    const world = positions.world[sleeves.firstRow[id] as number] as number;
    const members = byWorld.get(world);
    if (members === undefined) byWorld.set(world, { world, ids: [id] });
    else members.ids.push(id);
  }
  return [...byWorld.values()];
}

function scaleOfWorld(
  ledger: Ledger,
  input: RebalanceInput,
  rules: PlannerRules,
  { world, worldId, ids, names }: Members & { worldId: string; names: readonly string[] },
): WorldScale {
  const worldAfter = input.worldAfter.get(worldId) ?? 0;
  const scaleWorld = worldScale(input.worldBefore.get(worldId) ?? 0, worldAfter);
  const byStrategy = new Map(
    names.map((name, at) => [name, ledger.sleeveNotional[ids[at] as number] as number]),
  );
  const total = ledger.worldNotional[world] as number;
  const { before, after } = strategyTargets(input, worldId, { total, byStrategy });
  const given = input.strategyAfter.has(worldId);
  const allowed = given && rules === "v2" ? cappedRatios(after, worldAfter) : after;
  const follows = (name: string, at: number): boolean =>
    ledger.sleeveHeld[ids[at] as number] === 1 && !(after.has(name) && (before.get(name) ?? 0) > 0);
  return {
    worldId,
    scaleWorld,
    scaleByStrategy: strategyScales(before, allowed, worldAfter, scaleWorld),
    followers: given ? names.filter(follows) : [],
  };
}
