import type { DraftOrder } from "./types.ts";

/**
 * The sequence in which orders are sent: first those that make positions smaller, then those that open; sells before
 * buys within both, so that what a sale frees is there when a purchase needs it. Equal ranks keep their order.
 */
export function inSubmissionOrder<T extends DraftOrder>(orders: readonly T[]): T[] {
  return orders.toSorted((a, b) => rank(a) - rank(b));
}

function rank({ reduces, side }: DraftOrder): number {
  return (reduces ? 0 : 2) + (side === "SELL" ? 0 : 1);
}
