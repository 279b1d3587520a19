import { roundToLot } from "../rebalance/lots.ts";
import type { ConstraintBook, InstrumentRule } from "./constraints.ts";
import { findMark, type MarkTable, onTick } from "./marks.ts";
import {
  type DraftOrder,
  instrumentKey,
  type OrderDelta,
  type OrderViolation,
  type TimeInForce,
} from "./types.ts";
import { handlingAt, policyOf, type VenuePolicies } from "./venue-policy.ts";

/** Everything that decides how deltas become orders. */
export interface ShapeOptions {
  readonly timeInForce: TimeInForce;
  readonly hedgeMode: string | undefined;
  /** False: no order is ever flagged reduce-only. */
  readonly useReduceOnly: boolean;
  /** Lots of the request, by canonical symbol or as in the delta; they win over those of rules. 0 or less = no lot. */
  readonly lotBySymbol: ReadonlyMap<string, number>;
  /** Base currency; the larger one of this and the instrument's rule counts. */
  readonly minNotional: number;
  readonly marks: MarkTable;
  readonly policies: VenuePolicies;
  readonly constraints: ConstraintBook;
  /** Units held before, by venue and canonical symbol, signed. */
  readonly positionOf: (venue: string | undefined, symbol: string) => number;
}

export interface ShapedOrders {
  /** In the order of the deltas. */
  readonly orders: readonly ShapedOrder[];
  readonly violations: readonly OrderViolation[];
}

/** An order with the delta it came from. */
export interface ShapedOrder {
  readonly delta: OrderDelta;
  readonly order: DraftOrder;
}

/** Whose orders they are; empty ids for orders netted over worlds or strategies. */
export interface OrderOwner {
  readonly worldId: string;
  readonly strategyId: string;
}

/**
 * Turns deltas into orders: canonical symbols, whole lots, minimum notional, flags that the venue understands. What
 * cannot be an order is a violation: nothing is dropped silently but a delta of 0.
 *
 * An order is reduce-only by what it does to the position (and not by its sign): it makes it smaller without crossing
 * zero, after the orders before it in the list.
 */
export function shapeOrders(
  deltas: readonly OrderDelta[],
  owner: OrderOwner,
  options: ShapeOptions,
): ShapedOrders {
  const orders: ShapedOrder[] = [];
  const violations: OrderViolation[] = [];
  const positions = runningPositions(options.positionOf);
  for (const delta of deltas) {
    const shaped = shapeOrder(delta, owner, options, positions);
    if (shaped === undefined) continue;
    if ("reason" in shaped) violations.push(shaped);
    else orders.push({ delta, order: shaped });
  }
  return { orders, violations };
}

function shapeOrder(
  delta: OrderDelta,
  owner: OrderOwner,
  options: ShapeOptions,
  positions: RunningPositions,
): DraftOrder | OrderViolation | undefined {
  const { venue } = delta;
  const rule = options.constraints(venue, delta.symbol);
  const lot = lotOf(delta.symbol, rule, options.lotBySymbol);
  const quantity = roundToLot(delta.deltaQty, lot);
  const refuse = refusal(owner.worldId, venue, rule.symbol);
  if (quantity === 0) {
    return delta.deltaQty === 0
      ? undefined
      : refuse("lot-size", { requested_qty: delta.deltaQty, lot_size: lot });
  }
  const reduces = positions.isReducedBy(venue, rule.symbol, quantity);
  const mark = findMark(options.marks, venue, [rule.symbol, delta.symbol]);
  const minimum = minimumOf(rule, options.minNotional, reduces);
  if (minimum > 0) {
    if (mark === undefined || mark <= 0) return refuse("missing-mark", { min_notional: minimum });
    if (Math.abs(quantity) * mark + NOTIONAL_TOLERANCE < minimum)
      return refuse("min-notional", { min_notional: minimum, mark, quantity });
  }
  if (reduces) positions.trade(venue, rule.symbol, quantity);
  const price = onTick(mark ?? 0, rule.tickSize);
  return draftOrder({ owner, symbol: rule.symbol, venue, quantity, price, reduces }, options);
}

/** What an order is made of once its quantity is settled. */
export interface OrderParts {
  readonly owner: OrderOwner;
  readonly symbol: string;
  readonly venue: string | undefined;
  /** Signed units, not 0. */
  readonly quantity: number;
  readonly price: number;
  readonly reduces: boolean;
}

/** The order with the flags its venue understands. */
export function draftOrder(
  { owner, symbol, venue, quantity, price, reduces }: OrderParts,
  options: Pick<ShapeOptions, "policies" | "useReduceOnly" | "timeInForce" | "hedgeMode">,
): DraftOrder {
  const flagged = reduces && options.useReduceOnly;
  return {
    ...owner,
    symbol,
    venue,
    side: quantity > 0 ? "BUY" : "SELL",
    quantity: Math.abs(quantity),
    ...handlingAt(policyOf(options.policies, venue), flagged, options.timeInForce),
    hedgeMode: options.hedgeMode,
    price,
    reduces,
  };
}

const NOTIONAL_TOLERANCE = 1e-12;

/** The lot that counts for an instrument, in units; 0 = any quantity. */
export function lotOf(symbol: string, rule: InstrumentRule, lots: ReadonlyMap<string, number>): number {
  const given = [lots.get(rule.symbol), lots.get(symbol)].find((lot) => lot !== undefined && lot > 0);
  return given ?? rule.lotSize;
}

/** Dust that only closes a position may be closed where the venue lets it. */
function minimumOf(rule: InstrumentRule, requested: number, reduces: boolean): number {
  return rule.closingExempt && reduces ? 0 : Math.max(rule.minNotional, requested);
}

function refusal(worldId: string, venue: string | undefined, symbol: string) {
  return (reason: string, details: Readonly<Record<string, number>>): OrderViolation => ({
    worldId,
    symbol,
    venue,
    reason,
    details: new Map(Object.entries(details)),
  });
}

/** Positions as they are once the reducing orders so far, which are sent first, are filled. */
export interface RunningPositions {
  isReducedBy(venue: string | undefined, symbol: string, quantity: number): boolean;
  trade(venue: string | undefined, symbol: string, quantity: number): void;
}

export function runningPositions(positionOf: ShapeOptions["positionOf"]): RunningPositions {
  const traded = new Map<string, number>();
  const tradedOf = (venue: string | undefined, symbol: string) =>
    traded.get(instrumentKey(venue, symbol)) ?? 0;
  return {
    isReducedBy: (venue, symbol, quantity) =>
      reduces(positionOf(venue, symbol) + tradedOf(venue, symbol), quantity),
    trade(venue, symbol, quantity) {
      traded.set(instrumentKey(venue, symbol), tradedOf(venue, symbol) + quantity);
    },
  };
}

const RELATIVE_TOLERANCE = 1e-9;

/** Whether a trade makes a position smaller without crossing zero (but for float noise). */
export function reduces(position: number, quantity: number): boolean {
  if (Math.sign(position) === Math.sign(quantity)) return false;
  return Math.abs(quantity) <= Math.abs(position) * (1 + RELATIVE_TOLERANCE);
}
