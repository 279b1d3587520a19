import { lotRule } from "../rebalance/lots.ts";
import { conserve } from "../rebalance/shares.ts";
import { splitWorldPlans } from "../rebalance/split.ts";
import type { RebalanceInput, RebalanceMode, StrategyDelta, WorldPlan } from "../rebalance/types.ts";
import type { ConstraintBook } from "./constraints.ts";
import type { Holdings } from "./holdings.ts";
import { inSubmissionOrder } from "./sequence.ts";
import {
  draftOrder,
  lotOf,
  type RunningPositions,
  runningPositions,
  type ShapedOrder,
  type ShapeOptions,
} from "./shape.ts";
import { type DraftOrder, instrumentKey, signedQuantity } from "./types.ts";

/** A world with the orders that came of its deltas. */
export interface ShapedWorld {
  readonly plan: WorldPlan;
  /** In the order of the plan's deltas; deltas that became no order are absent. */
  readonly shaped: readonly ShapedOrder[];
}

type Handling = Pick<ShapeOptions, "policies" | "useReduceOnly" | "timeInForce" | "hedgeMode">;

export interface StrategyContext {
  readonly input: RebalanceInput;
  readonly mode: RebalanceMode;
  readonly constraints: ConstraintBook;
  readonly holdings: Holdings;
  readonly handling: Handling;
}

/**
 * The worlds' orders by strategy. They sum to the worlds' orders in whole lots (largest remainder), whatever the
 * minimum notional: nothing is lost or charged to somebody else. What no strategy can take has an empty strategy.
 */
export function strategyOrders(worlds: readonly ShapedWorld[], context: StrategyContext): DraftOrder[] {
  const plans = worlds.map(({ plan }) => plan);
  const split = splitWorldPlans(context.input, context.mode, plans);
  const byWorld = Map.groupBy(split.deltas, ({ worldId }) => worldId);
  return worlds.flatMap((world) =>
    inSubmissionOrder(ordersOfWorld(world, byWorld.get(world.plan.worldId) ?? [], context)),
  );
}

function ordersOfWorld(
  { plan, shaped }: ShapedWorld,
  deltas: readonly StrategyDelta[],
  context: StrategyContext,
): DraftOrder[] {
  const parts = Map.groupBy(deltas, ({ venue, symbol }) => instrumentKey(venue, symbol));
  const world = runningPositions(context.holdings.ofWorld(plan.worldId));
  const split = shaped.flatMap(({ delta, order }) =>
    partsOfOrder(parts.get(instrumentKey(delta.venue, delta.symbol)) ?? [], order, context, world),
  );
  for (const delta of plan.deltas) parts.delete(instrumentKey(delta.venue, delta.symbol));
  const crossings = [...parts.values()].flatMap((crossing) => crossingOrders(crossing, context, world));
  return [...split, ...crossings];
}

/** The parts of one order of a world. */
function partsOfOrder(
  parts: readonly StrategyDelta[],
  order: DraftOrder,
  context: StrategyContext,
  world: RunningPositions,
): DraftOrder[] {
  if (parts.length === 0) return [order];
  return shares(parts, signedQuantity(order), context).flatMap((quantity, i) => {
    const part = parts[i] as StrategyDelta;
    return toOrder(part, quantity, order.symbol, order.price, context, world);
  });
}

/** Strategies that trade against each other where their world as a whole does not: no plan has valued them. */
function crossingOrders(
  parts: readonly StrategyDelta[],
  context: StrategyContext,
  world: RunningPositions,
): DraftOrder[] {
  return shares(parts, 0, context).flatMap((quantity, i) => {
    const part = parts[i] as StrategyDelta;
    const { symbol } = context.constraints(part.venue, part.symbol);
    return toOrder(part, quantity, symbol, 0, context, world);
  });
}

/** Quantities near the parts that sum to `total` in whole lots. */
function shares(
  parts: readonly StrategyDelta[],
  total: number,
  { constraints, input }: StrategyContext,
): readonly number[] {
  const { venue, symbol } = parts[0] as StrategyDelta;
  const lot = lotOf(symbol, constraints(venue, symbol), input.lotBySymbol);
  const targets = parts.map(({ deltaQty }) => deltaQty);
  return conserve(targets, total, lotRule(lot));
}

/** A part is reduce-only where it makes both the strategy's position and the account's smaller. */
function toOrder(
  { worldId, strategyId, venue }: StrategyDelta,
  quantity: number,
  symbol: string,
  price: number,
  { holdings, handling }: StrategyContext,
  world: RunningPositions,
): DraftOrder[] {
  if (quantity === 0) return [];
  const own = runningPositions(holdings.ofStrategy(worldId, strategyId));
  const reduces = own.isReducedBy(venue, symbol, quantity) && world.isReducedBy(venue, symbol, quantity);
  if (reduces) world.trade(venue, symbol, quantity);
  const owner = { worldId, strategyId };
  return [draftOrder({ owner, symbol, venue, quantity, price, reduces }, handling)];
}
