import { columnsFromRows } from "./columns.ts";
import { type Interned, internPairs } from "./intern.ts";
import { type LotRule, lotLookup, quantityOfLots } from "./lots.ts";
import { isNoise } from "./noise.ts";
import type { OperationCounter, PositionColumns, SkippedDelta, SymbolDelta, WorldPlan } from "./types.ts";

/** Deltas of all worlds, one after the other, with the dictionary indexes of their (venue, symbol). */
export interface NetEntries {
  readonly deltas: readonly SymbolDelta[];
  readonly symbol: Uint32Array;
  readonly venue: Uint32Array;
}

/** What remains after netting, and what fell below the minimum. */
export interface NetResult {
  readonly deltas: readonly SymbolDelta[];
  readonly skipped: readonly SkippedDelta[];
}

/** Sums by group, side by side: quantity, |quantity|, notional, |quantity| * mark, residue, number of parts. */
const WIDTH = 6;

/**
 * Nets deltas over worlds by (venue, symbol), in order of first appearance: quantities, notionals and residues
 * are sums, the mark is the average by |quantity|.
 */
export function netDeltas(
  entries: NetEntries,
  names: Pick<PositionColumns, "symbols" | "venues">,
  minNotional: number,
  ruleOf: (symbol: number) => LotRule | undefined,
  counter?: OperationCounter,
): NetResult {
  const { deltas: parts, symbol, venue } = entries;
  const groups = internPairs(
    venue,
    symbol,
    parts.length,
    names.venues.length + 1,
    names.symbols.length,
    counter,
  );
  if (counter !== undefined) counter.operations += parts.length + groups.size;
  const sums = sumGroups(parts, groups);
  const deltas: SymbolDelta[] = [];
  const skipped: SkippedDelta[] = [];
  for (let group = 0; group < groups.size; group++) {
    const first = groups.firstRow[group] as number;
    const net = netDelta(sums, group * WIDTH, parts[first] as SymbolDelta, ruleOf(symbol[first] as number));
    if (net === undefined) continue;
    if (Math.abs(net.notional) < minNotional) skipped.push(belowMinimum(net));
    else deltas.push(net);
  }
  return { deltas, skipped };
}

/** The sum of a group; what a single world trades is its own sum. `undefined` where nothing is left. */
function netDelta(
  sums: Float64Array,
  at: number,
  first: SymbolDelta,
  rule: LotRule | undefined,
): SymbolDelta | undefined {
  if (sums[at + 5] === 1) return first;
  const size = sums[at + 1] as number;
  const deltaQty = netQuantity(sums[at] as number, size, rule);
  if (deltaQty === 0) return undefined;
  const notional = sums[at + 2] as number;
  const mark = (sums[at + 3] as number) / size;
  const residualQty = sums[at + 4] as number;
  return { symbol: first.symbol, venue: first.venue, deltaQty, mark, notional, residualQty };
}

function belowMinimum({ symbol, venue, deltaQty, notional }: SymbolDelta): SkippedDelta {
  return { reason: "BELOW_MIN_NOTIONAL", worldId: "", strategyId: "", symbol, venue, deltaQty, notional };
}

function sumGroups(parts: readonly SymbolDelta[], groups: Interned): Float64Array {
  const sums = new Float64Array(groups.size * WIDTH);
  const add = (at: number, figure: number): void => {
    sums[at] = (sums[at] as number) + figure;
  };
  for (let entry = 0; entry < parts.length; entry++) {
    const delta = parts[entry] as SymbolDelta;
    const at = (groups.ids[entry] as number) * WIDTH;
    const size = Math.abs(delta.deltaQty);
    add(at, delta.deltaQty);
    add(at + 1, size);
    add(at + 2, delta.notional);
    add(at + 3, size * delta.mark);
    add(at + 4, delta.residualQty);
    add(at + 5, 1);
  }
  return sums;
}

/** A sum of whole lots is whole lots again, without the float noise of adding them. */
function netQuantity(sum: number, size: number, rule: LotRule | undefined): number {
  if (isNoise(sum, size)) return 0;
  if (rule === undefined) return sum;
  const lots = Math.round(sum / rule.lot);
  return Number.isSafeInteger(lots) ? quantityOfLots(lots, rule) : sum;
}

/**
 * Nets the plans of several worlds: the global delta of a (venue, symbol) is the sum of the worlds' deltas.
 * Dropped where |Σ quantity * mark| is below the minimum.
 *
 * @param minTradeNotional base currency.
 */
export function aggregateGlobalDeltas(
  perWorld: readonly WorldPlan[],
  minTradeNotional: number,
  lotBySymbol: ReadonlyMap<string, number>,
): NetResult {
  const deltas = perWorld.flatMap((plan) => plan.deltas);
  const names = columnsFromRows(
    deltas.map(({ symbol, venue, mark }) => ({ worldId: "", strategyId: "", symbol, venue, qty: 0, mark })),
  );
  const { symbol, venue } = names;
  return netDeltas({ deltas, symbol, venue }, names, minTradeNotional, lotLookup(names.symbols, lotBySymbol));
}
