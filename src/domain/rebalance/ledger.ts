import { type Interned, internPairs } from "./intern.ts";
import type { OperationCounter, PositionColumns } from "./types.ts";

/**
 * One reading of all positions: which sleeve (world, strategy) and which key (world, venue, symbol) each row
 * belongs to, what they are worth, and at which marks.
 */
export interface Ledger {
  readonly positions: PositionColumns;
  readonly sleeves: Interned;
  readonly keys: Interned;
  /** Sum of qty * mark, by world index and by sleeve. */
  readonly worldNotional: Float64Array;
  readonly sleeveNotional: Float64Array;
  /** 1 where a sleeve has a row that is not flat. */
  readonly sleeveHeld: Uint8Array;
  /** Marks above 0 of each key, flat rows included: their sum, their number, the first of them. */
  readonly markSum: Float64Array;
  readonly markCount: Uint32Array;
  readonly firstMark: Float64Array;
  /** MIXED | UNMARKED, by key. */
  readonly markFlags: Uint8Array;
  readonly anyFlags: number;
}

/** A key has rows with different marks above 0. */
export const MIXED = 1;
/** A key has rows whose mark is not above 0. */
export const UNMARKED = 2;

export function readLedger(positions: PositionColumns, counter?: OperationCounter): Ledger {
  const { count } = positions;
  const sleeves = internPairs(
    positions.world,
    positions.strategy,
    count,
    positions.worlds.length,
    positions.strategies.length,
    counter,
  );
  const keys = internKeys(positions, counter);
  const worth = sumNotionals(positions, sleeves);
  const marks = readMarks(positions, keys);
  if (counter !== undefined) counter.operations += 2 * count;
  return { positions, sleeves, keys, ...worth, ...marks };
}

function internKeys(positions: PositionColumns, counter: OperationCounter | undefined): Interned {
  const { count, world, symbol, worlds, symbols } = positions;
  if (positions.venues.length === 0) {
    return internPairs(world, symbol, count, worlds.length, symbols.length, counter);
  }
  const places = internPairs(
    world,
    positions.venue,
    count,
    worlds.length,
    positions.venues.length + 1,
    counter,
  );
  return internPairs(places.ids, symbol, count, places.size, symbols.length, counter);
}

function sumNotionals(
  positions: PositionColumns,
  sleeves: Interned,
): Pick<Ledger, "worldNotional" | "sleeveNotional" | "sleeveHeld"> {
  const { count, world, qty, mark } = positions;
  const sleeveOf = sleeves.ids;
  const worldNotional = new Float64Array(positions.worlds.length);
  const sleeveNotional = new Float64Array(sleeves.size);
  const sleeveHeld = new Uint8Array(sleeves.size);
  for (let row = 0; row < count; row++) {
    const quantity = qty[row] as number;
    const sleeve = sleeveOf[row] as number;
    const at = world[row] as number;
    const value = quantity * (mark[row] as number);
    sleeveNotional[sleeve] = (sleeveNotional[sleeve] as number) + value;
    worldNotional[at] = (worldNotional[at] as number) + value;
    if (quantity !== 0) sleeveHeld[sleeve] = 1;
  }
  return { worldNotional, sleeveNotional, sleeveHeld };
}

function readMarks(
  positions: PositionColumns,
  keys: Interned,
): Pick<Ledger, "markSum" | "markCount" | "firstMark" | "markFlags" | "anyFlags"> {
  const { count, mark } = positions;
  const keyOf = keys.ids;
  const markSum = new Float64Array(keys.size);
  const markCount = new Uint32Array(keys.size);
  const firstMark = new Float64Array(keys.size);
  const markFlags = new Uint8Array(keys.size);
  let anyFlags = 0;
  for (let row = 0; row < count; row++) {
    const price = mark[row] as number;
    const key = keyOf[row] as number;
    const first = firstMark[key] as number;
    if (price > 0) {
      markSum[key] = (markSum[key] as number) + price;
      markCount[key] = (markCount[key] as number) + 1;
      if (first === price) continue;
      if (first === 0) {
        firstMark[key] = price;
        continue;
      }
    }
    const flag = price > 0 ? MIXED : UNMARKED;
    markFlags[key] = (markFlags[key] as number) | flag;
    anyFlags |= flag;
  }
  return { markSum, markCount, firstMark, markFlags, anyFlags };
}
