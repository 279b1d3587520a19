import { venueName } from "../rebalance/columns.ts";
import type { PositionColumns } from "../rebalance/types.ts";
import type { ConstraintBook } from "./constraints.ts";
import { instrumentKey } from "./types.ts";

/** Signed units held of an instrument, under its canonical symbol. */
export type PositionOf = (venue: string | undefined, symbol: string) => number;

/** What worlds and strategies hold before a rebalance. */
export interface Holdings {
  ofWorld(worldId: string): PositionOf;
  ofStrategy(worldId: string, strategyId: string): PositionOf;
  /** All worlds together, as one account. */
  readonly overall: PositionOf;
  /** A world's holding of a symbol over all venues: for orders that leave the venue to the executor. */
  atAnyVenue(worldId: string): PositionOf;
}

/** Sums positions in one pass. */
export function holdingsOf(positions: PositionColumns, constraints: ConstraintBook): Holdings {
  const sums = new Map<string, number>();
  const add = (key: string, quantity: number): void => {
    sums.set(key, (sums.get(key) ?? 0) + quantity);
  };
  for (let row = 0; row < positions.count; row++) {
    const venue = venueName(positions, positions.venue[row] ?? 0);
    const { symbol } = constraints(venue, nameAt(positions.symbols, positions.symbol, row));
    const world = nameAt(positions.worlds, positions.world, row);
    const strategy = nameAt(positions.strategies, positions.strategy, row);
    const quantity = positions.qty[row] ?? 0;
    const instrument = instrumentKey(venue, symbol);
    add(instrument, quantity);
    add(key("w", world, instrument), quantity);
    add(key("s", world, strategy, instrument), quantity);
    add(key("a", world, symbol), quantity);
  }
  const at = (keyOf: (venue: string | undefined, symbol: string) => string): PositionOf => {
    return (venue, symbol) => sums.get(keyOf(venue, symbol)) ?? 0;
  };
  return {
    ofWorld: (world) => at((venue, symbol) => key("w", world, instrumentKey(venue, symbol))),
    ofStrategy: (world, strategy) =>
      at((venue, symbol) => key("s", world, strategy, instrumentKey(venue, symbol))),
    overall: at(instrumentKey),
    atAnyVenue: (world) => at((_venue, symbol) => key("a", world, symbol)),
  };
}

/** Ids hold no control characters. */
function key(...parts: readonly string[]): string {
  return parts.join("\u0001");
}

function nameAt(names: readonly string[], column: Uint32Array, row: number): string {
  return names[column[row] ?? 0] ?? "";
}
