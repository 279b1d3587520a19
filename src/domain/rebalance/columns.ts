import type { PositionColumns, PositionRow } from "./types.ts";

/** Names in order of first appearance, each with its index. */
interface Dictionary {
  readonly names: string[];
  readonly index: Map<string, number>;
}

const dictionary = (): Dictionary => ({ names: [], index: new Map() });

function indexOf(words: Dictionary, name: string): number {
  const known = words.index.get(name);
  if (known !== undefined) return known;
  const next = words.names.length;
  words.names.push(name);
  words.index.set(name, next);
  return next;
}

/** Turns rows into columns, in the rows' order. No venue and the empty venue stay different keys. */
export function columnsFromRows(rows: readonly PositionRow[]): PositionColumns {
  const [worlds, strategies, symbols, venues] = [dictionary(), dictionary(), dictionary(), dictionary()];
  const count = rows.length;
  const world = new Uint32Array(count);
  const strategy = new Uint32Array(count);
  const symbol = new Uint32Array(count);
  const venue = new Uint32Array(count);
  const qty = new Float64Array(count);
  const mark = new Float64Array(count);
  rows.forEach((row, at) => {
    world[at] = indexOf(worlds, row.worldId);
    strategy[at] = indexOf(strategies, row.strategyId);
    symbol[at] = indexOf(symbols, row.symbol);
    venue[at] = row.venue === undefined ? 0 : indexOf(venues, row.venue) + 1;
    qty[at] = row.qty;
    mark[at] = row.mark;
  });
  const names = {
    worlds: worlds.names,
    strategies: strategies.names,
    symbols: symbols.names,
    venues: venues.names,
  };
  return { count, ...names, world, strategy, symbol, venue, qty, mark };
}

/** The rows for which `keep` holds, with the same dictionaries. */
export function selectRows(positions: PositionColumns, keep: (row: number) => boolean): PositionColumns {
  const rows: number[] = [];
  for (let row = 0; row < positions.count; row++) if (keep(row)) rows.push(row);
  const pick = <T extends Uint32Array | Float64Array>(from: T, to: T): T => {
    rows.forEach((row, at) => {
      to[at] = from[row] as number;
    });
    return to;
  };
  const count = rows.length;
  return {
    ...positions,
    count,
    world: pick(positions.world, new Uint32Array(count)),
    strategy: pick(positions.strategy, new Uint32Array(count)),
    symbol: pick(positions.symbol, new Uint32Array(count)),
    venue: pick(positions.venue, new Uint32Array(count)),
    qty: pick(positions.qty, new Float64Array(count)),
    mark: pick(positions.mark, new Float64Array(count)),
  };
}

/** Name of a venue index: 0 is no venue. */
export function venueName(positions: PositionColumns, venue: number): string | undefined {
  return venue === 0 ? undefined : positions.venues[venue - 1];
}
