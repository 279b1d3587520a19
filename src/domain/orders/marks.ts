import { lotRule, quantityOfLots } from "../rebalance/lots.ts";
import { instrumentKey } from "./types.ts";

/** Marks by (venue, symbol), in base currency per unit. */
export interface MarkTable {
  readonly byInstrument: ReadonlyMap<string, number>;
}

export interface MarkRow {
  readonly venue: string | undefined;
  readonly symbol: string;
  readonly mark: number;
}

/** @param rows the last of equal instruments counts. */
export function markTable(rows: readonly MarkRow[]): MarkTable {
  return { byInstrument: new Map(rows.map((row) => [instrumentKey(row.venue, row.symbol), row.mark])) };
}

/** The mark of an instrument under any of its names: at its venue, at the venue in lower case, then without venue. */
export function findMark(
  { byInstrument }: MarkTable,
  venue: string | undefined,
  symbols: readonly string[],
): number | undefined {
  for (const place of new Set([venue, venue?.toLowerCase(), undefined])) {
    for (const symbol of symbols) {
      const mark = byInstrument.get(instrumentKey(place, symbol));
      if (mark !== undefined) return mark;
    }
  }
  return undefined;
}

/** The price nearest to a mark that the venue quotes: a whole number of ticks, at least one. */
export function onTick(mark: number, tick: number): number {
  const rule = lotRule(tick);
  if (rule === undefined || !(mark > 0)) return mark;
  return quantityOfLots(Math.max(1, Math.round(mark / tick)), rule);
}
