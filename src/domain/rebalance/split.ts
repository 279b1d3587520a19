import { venueName } from "./columns.ts";
import { type Interned, internPairs } from "./intern.ts";
import { type Ledger, readLedger } from "./ledger.ts";
import { type LotRule, lotRule } from "./lots.ts";
import { isNoise } from "./noise.ts";
import { withoutOverlayPositions } from "./overlay.ts";
import { overlayInstruments } from "./overlay-config.ts";
import { conserve, proportional, shareTargets } from "./shares.ts";
import type {
  PositionColumns,
  RebalanceInput,
  RebalanceMode,
  SkippedDelta,
  StrategyDelta,
  SymbolDelta,
  WorldPlan,
} from "./types.ts";

/** What a split reads of a request; `strategyAfter` weighs those who open a position nobody holds yet. */
export type SplitInput = Pick<RebalanceInput, "positions" | "lotBySymbol" | "strategyAfter" | "worldAfter">;

export interface StrategySplit {
  /** World by world: the plan's deltas in their order, then changes that cancel out within the world. */
  readonly deltas: readonly StrategyDelta[];
  /** World deltas that no strategy can take. */
  readonly skipped: readonly SkippedDelta[];
}

/** What each (world, venue, symbol) holds, by strategy. */
interface Legs {
  readonly ledger: Ledger;
  /** (key, strategy) of each row. */
  readonly legs: Interned;
  /** Units a leg wants to trade, and Σ |qty * mark|. */
  readonly change: Float64Array;
  readonly exposure: Float64Array;
  readonly legsOfKey: readonly (readonly number[])[];
}

/**
 * Charges the deltas of world plans to the strategies: only to those that must trade, and so that the
 * strategies' quantities sum to the world's, in whole lots (largest remainder). Strategies that move against
 * each other trade too, even where their world as a whole does not.
 *
 * @throws RangeError when a delta is not finite.
 */
export function splitWorldPlans(
  input: SplitInput,
  mode: RebalanceMode,
  plans: readonly WorldPlan[],
): StrategySplit {
  const legs = readLegs(underlyingPositions(input, mode), plans, mode);
  const keysOfWorld = keysByWorld(legs.ledger);
  const deltas: StrategyDelta[] = [];
  const skipped: SkippedDelta[] = [];
  for (const plan of plans) {
    const keys = keysOfWorld.get(plan.worldId) ?? new Map<string, number>();
    for (const delta of plan.deltas) {
      const key = keys.get(keyName(delta));
      if (key !== undefined) keys.delete(keyName(delta));
      const split = splitDelta(legs, input, plan, delta, key);
      if (split === undefined) skipped.push(nobodys(plan.worldId, delta));
      else deltas.push(...split);
    }
    for (const key of keys.values()) deltas.push(...crossings(legs, input, plan, key));
  }
  return { deltas, skipped };
}

/** The split of one world's plan. */
export function splitWorldPlan(input: SplitInput, mode: RebalanceMode, plan: WorldPlan): StrategySplit {
  return splitWorldPlans(input, mode, [plan]);
}

function underlyingPositions({ positions, worldAfter }: SplitInput, mode: RebalanceMode): PositionColumns {
  if (mode.kind === "scaling") return positions;
  const instruments = overlayInstruments(mode.overlay, worldAfter, mode.kind, mode.kind);
  return withoutOverlayPositions(positions, instruments).positions;
}

function readLegs(positions: PositionColumns, plans: readonly WorldPlan[], mode: RebalanceMode): Legs {
  const { count, strategy, strategies, qty, mark } = positions;
  const ledger = readLedger(positions);
  const { keys, sleeves } = ledger;
  const fraction = mode.kind === "hybrid" ? mode.scalingFraction : 1;
  const factors = sleeveFactors(ledger, plans);
  const legs = internPairs(keys.ids, strategy, count, keys.size, strategies.length);
  const change = new Float64Array(legs.size);
  const exposure = new Float64Array(legs.size);
  const gross = new Float64Array(legs.size);
  const add = (to: Float64Array, leg: number, figure: number): void => {
    to[leg] = (to[leg] as number) + figure;
  };
  for (let row = 0; row < count; row++) {
    const leg = legs.ids[row] as number;
    const quantity = qty[row] as number;
    const price = mark[row] as number;
    add(exposure, leg, Math.abs(quantity * price));
    if (!(price > 0)) continue; // never traded, so nobody is charged for it
    add(change, leg, (quantity * (factors[sleeves.ids[row] as number] as number) - quantity) * fraction);
    add(gross, leg, Math.abs(quantity));
  }
  const legsOfKey: number[][] = Array.from({ length: keys.size }, () => []);
  for (let leg = 0; leg < legs.size; leg++) {
    if (isNoise(change[leg] as number, gross[leg] as number)) change[leg] = 0;
    legsOfKey[keys.ids[legs.firstRow[leg] as number] as number]?.push(leg);
  }
  return { ledger, legs, change, exposure, legsOfKey };
}

/** Scales of all sleeves as the plans state them; a world without a plan stays as it is. */
function sleeveFactors({ positions, sleeves }: Ledger, plans: readonly WorldPlan[]): Float64Array {
  const byWorld = new Map(plans.map((plan) => [plan.worldId, plan]));
  return Float64Array.from({ length: sleeves.size }, (_, sleeve) => {
    const row = sleeves.firstRow[sleeve] as number;
    const plan = byWorld.get(positions.worlds[positions.world[row] as number] as string);
    const strategy = positions.strategies[positions.strategy[row] as number] as string;
    return plan === undefined ? 1 : (plan.scaleByStrategy.get(strategy) ?? plan.scaleWorld);
  });
}

/** Name of a (venue, symbol) within a world: no venue, the empty venue and every other one differ. */
function keyName({ venue, symbol }: Pick<SymbolDelta, "venue" | "symbol">): string {
  return JSON.stringify([venue ?? null, symbol]);
}

function keysByWorld({ positions, keys }: Ledger): Map<string, Map<string, number>> {
  const byWorld = new Map<string, Map<string, number>>();
  for (let key = 0; key < keys.size; key++) {
    const row = keys.firstRow[key] as number;
    const world = positions.worlds[positions.world[row] as number] as string;
    const names = byWorld.get(world) ?? new Map<string, number>();
    names.set(keyName(nameOfRow(positions, row)), key);
    byWorld.set(world, names);
  }
  return byWorld;
}

function nameOfRow(positions: PositionColumns, row: number): Pick<SymbolDelta, "venue" | "symbol"> {
  const symbol = positions.symbols[positions.symbol[row] as number] as string;
  return { symbol, venue: venueName(positions, positions.venue[row] as number) };
}

/** The strategies' parts of one delta; `undefined` where no strategy can take it. */
function splitDelta(
  legs: Legs,
  input: SplitInput,
  plan: WorldPlan,
  delta: SymbolDelta,
  key: number | undefined,
): StrategyDelta[] | undefined {
  const { deltaQty, symbol } = delta;
  if (!Number.isFinite(deltaQty)) throw new RangeError(`delta of '${symbol}' is ${deltaQty}`);
  if (deltaQty === 0) return [];
  const rule = lotRule(input.lotBySymbol.get(symbol) ?? 0);
  const held = key === undefined ? undefined : byHolders(legs, deltaQty, rule, key);
  const parts = held ?? byWeights(input, plan.worldId, deltaQty, rule);
  return parts?.map(([strategyId, quantity]) => toDelta(plan.worldId, strategyId, delta, quantity));
}

type Part = readonly [strategyId: string, deltaQty: number];

function byHolders(legs: Legs, total: number, rule: LotRule | undefined, key: number): Part[] | undefined {
  const members = legs.legsOfKey[key] as readonly number[];
  const changes = members.map((leg) => legs.change[leg] as number);
  const exposures = members.map((leg) => legs.exposure[leg] as number);
  const targets = shareTargets(total, changes, exposures);
  if (targets === undefined) return undefined;
  const { strategy, strategies } = legs.ledger.positions;
  const names = members.map(
    (leg) => strategies[strategy[legs.legs.firstRow[leg] as number] as number] as string,
  );
  return parts(names, conserve(targets, total, rule));
}

/** A purchase of what nobody holds goes to the world's strategies by their ratios after. */
function byWeights(
  input: SplitInput,
  worldId: string,
  total: number,
  rule: LotRule | undefined,
): Part[] | undefined {
  const weights = [...(input.strategyAfter.get(worldId) ?? [])];
  if (total <= 0) return undefined;
  const targets = proportional(
    total,
    weights.map(([, weight]) => Math.max(0, weight)),
  );
  if (targets === undefined) return undefined;
  return parts(
    weights.map(([name]) => name),
    conserve(targets, total, rule),
  );
}

function parts(names: readonly string[], quantities: readonly number[]): Part[] {
  return names
    .map((name, at): Part => [name, quantities[at] as number])
    .filter(([, quantity]) => quantity !== 0);
}

/** Trades of strategies that cancel out within their world. */
function crossings(legs: Legs, input: SplitInput, plan: WorldPlan, key: number): StrategyDelta[] {
  const name = nameOfRow(legs.ledger.positions, legs.ledger.keys.firstRow[key] as number);
  const rule = lotRule(input.lotBySymbol.get(name.symbol) ?? 0);
  const found = byHolders(legs, 0, rule, key) ?? [];
  return found.map(([strategyId, quantity]) => toDelta(plan.worldId, strategyId, name, quantity));
}

function toDelta(
  worldId: string,
  strategyId: string,
  { symbol, venue }: Pick<SymbolDelta, "venue" | "symbol">,
  deltaQty: number,
): StrategyDelta {
  return { worldId, strategyId, symbol, venue, deltaQty };
}

function nobodys(worldId: string, { symbol, venue, deltaQty, notional }: SymbolDelta): SkippedDelta {
  return { reason: "NO_STRATEGY", worldId, strategyId: "", symbol, venue, deltaQty, notional };
}
