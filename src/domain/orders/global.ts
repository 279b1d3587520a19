import { lotRule, quantityOfLots } from "../rebalance/lots.ts";
import { isNoise } from "../rebalance/noise.ts";
import { inSubmissionOrder } from "./sequence.ts";
import { draftOrder, lotOf, runningPositions, type ShapeOptions } from "./shape.ts";
import { type DraftOrder, instrumentKey, type OrderViolation, signedQuantity } from "./types.ts";

/** What is left of several worlds' orders in one account. */
export interface NettedOrders {
  readonly orders: readonly DraftOrder[];
  readonly violations: readonly OrderViolation[];
}

/**
 * Nets the worlds' orders by (venue, symbol): the global order is the sum of theirs, in whole lots as they are. A net
 * order below the minimum notional becomes a violation without world.
 */
export function netOrders(orders: readonly DraftOrder[], options: Omit<ShapeOptions, "marks">): NettedOrders {
  const groups = Map.groupBy(orders, ({ venue, symbol }) => instrumentKey(venue, symbol));
  const netted: DraftOrder[] = [];
  const violations: OrderViolation[] = [];
  const positions = runningPositions(options.positionOf);
  for (const group of groups.values()) {
    const net = netOf(group, options);
    if (net.quantity === 0) continue;
    const reduces = positions.isReducedBy(net.venue, net.symbol, net.quantity);
    const violation = belowMinimum(net, reduces, options);
    if (violation !== undefined) violations.push(violation);
    else netted.push(draftOrder({ owner: NOBODY, ...net, reduces }, options));
  }
  return { orders: inSubmissionOrder(netted), violations };
}

const NOBODY = { worldId: "", strategyId: "" };

interface Net {
  readonly symbol: string;
  readonly venue: string | undefined;
  readonly quantity: number;
  /** Average by |quantity|. */
  readonly price: number;
}

function netOf(group: readonly DraftOrder[], options: Omit<ShapeOptions, "marks">): Net {
  const { symbol, venue } = group[0] as DraftOrder;
  let sum = 0;
  let gross = 0;
  let value = 0;
  for (const order of group) {
    sum += signedQuantity(order);
    gross += order.quantity;
    value += order.quantity * order.price;
  }
  const quantity = wholeSum(
    sum,
    gross,
    lotOf(symbol, options.constraints(venue, symbol), options.lotBySymbol),
  );
  return { symbol, venue, quantity, price: value / gross };
}

/** A sum of whole lots is whole lots again, without the float noise of adding them. */
function wholeSum(sum: number, gross: number, lot: number): number {
  if (isNoise(sum, gross)) return 0;
  const rule = lotRule(lot);
  const lots = Math.round(sum / (rule?.lot ?? 1));
  return rule !== undefined && Number.isSafeInteger(lots) ? quantityOfLots(lots, rule) : sum;
}

function belowMinimum(
  { symbol, venue, quantity, price }: Net,
  reduces: boolean,
  { constraints, minNotional }: Omit<ShapeOptions, "marks">,
): OrderViolation | undefined {
  const rule = constraints(venue, symbol);
  const minimum = rule.closingExempt && reduces ? 0 : Math.max(rule.minNotional, minNotional);
  if (Math.abs(quantity) * price >= minimum) return undefined;
  const details = new Map([
    ["min_notional", minimum],
    ["mark", price],
    ["quantity", quantity],
  ]);
  return { worldId: "", symbol, venue, reason: "min-notional", details };
}
