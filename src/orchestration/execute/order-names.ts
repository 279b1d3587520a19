import { createHash } from "node:crypto";
import type { OrderFacts } from "../../domain/events/types.ts";
import type { DraftOrder } from "../../domain/orders/types.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/** 160 bits, which every venue's own limit on names can hold. */
const NAME_LENGTH = 32;
const BITS_PER_DIGIT = 5;

/** Which list of an answer a name is for: the same leg in another list is another order. */
export type OrderScope = "world" | "global" | "strategy";

/**
 * Gives orders their names: the first 32 digits of base32(SHA-256) over book, run and leg. Every attempt at the same
 * leg, by any replica, after any crash, has the same name. Without a run there is nothing to be named.
 */
export function nameOrders(
  book: string,
  runId: string,
  scope: OrderScope,
  orders: readonly DraftOrder[],
): { readonly order: OrderFacts; readonly price: number }[] {
  const seen = new Map<string, number>();
  return orders.map(({ price, reduces: _reduces, ...facts }) => {
    const { worldId, strategyId, symbol, side } = facts;
    const leg = JSON.stringify([book, runId, scope, worldId, strategyId, facts.venue ?? null, symbol, side]);
    const repeat = seen.get(leg) ?? 0;
    seen.set(leg, repeat + 1);
    const clientOrderId = runId === "" ? "" : nameOf(`${leg}${repeat}`);
    return { order: { clientOrderId, ...facts }, price };
  });
}

function nameOf(leg: string): string {
  const digest = createHash("sha256").update(leg).digest();
  let name = "";
  let bits = 0;
  let value = 0;
  for (const byte of digest) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= BITS_PER_DIGIT) {
      bits -= BITS_PER_DIGIT;
      name += ALPHABET[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return name.slice(0, NAME_LENGTH);
}
