import type { OrderFacts } from "../events/types.ts";

export type TimeInForce = OrderFacts["timeInForce"];

/** A change that is to become an order. */
export interface OrderDelta {
  readonly symbol: string;
  /** No venue and the empty venue are different. */
  readonly venue: string | undefined;
  /** Units of the symbol, signed (positive = buy). */
  readonly deltaQty: number;
}

/** An order that has no name yet: names depend on book and run, orders do not. */
export interface DraftOrder extends Omit<OrderFacts, "clientOrderId"> {
  /**
   * What the plan valued one unit at, in base currency, on the venue's price step where a tick is known; 0 = unknown.
   * Orders carry no limit: this is what a paper fill costs and what limits are checked with.
   */
  readonly price: number;
  /** It makes the position smaller, whether or not its venue is told so (`reduceOnly`). */
  readonly reduces: boolean;
}

/** A delta that became no order. Figures are finite; their names are those of the wire. */
export interface OrderViolation {
  /** Empty for what concerns all worlds. */
  readonly worldId: string;
  readonly symbol: string;
  readonly venue: string | undefined;
  readonly reason: string;
  readonly details: ReadonlyMap<string, number>;
}

/** Units of an order with its direction: positive = buy. */
export function signedQuantity({ side, quantity }: Pick<DraftOrder, "side" | "quantity">): number {
  return side === "BUY" ? quantity : -quantity;
}

/** One name for a (venue, symbol): ids have no control characters, so no two keys collide. */
export function instrumentKey(venue: string | undefined, symbol: string): string {
  return venue === undefined ? `\u0000${symbol}` : `v${venue}\u0000${symbol}`;
}
