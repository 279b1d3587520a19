import { columnsFromRows } from "./columns.ts";
import { internPairs } from "./intern.ts";
import { type LotRule, lotLookup, quantityOfLots } from "./lots.ts";
import { isNoise } from "./noise.ts";
import type { PositionColumns, SkippedDelta, SymbolDelta, WorldPlan } from "./types.ts";

/** A world's delta with the dictionary indexes of its (venue, symbol). */
export interface NetEntry {
  readonly delta: SymbolDelta;
  readonly symbol: number;
  readonly venue: number;
}

/** What remains after netting, and what fell below the minimum. */
export interface NetResult {
  readonly deltas: readonly SymbolDelta[];
  readonly skipped: readonly SkippedDelta[];
}

interface Net {
  qty: number;
  size: number;
  notional: number;
  value: number;
  residual: number;
}

/**
 * Nets deltas over worlds by (venue, symbol), in order of first appearance: quantities, notionals and residues
 * are sums, the mark is the average by |quantity|.
 */
export function netDeltas(
  entries: readonly NetEntry[],
  names: Pick<PositionColumns, "symbols" | "venues">,
  minNotional: number,
  ruleOf: (symbol: number) => LotRule | undefined,
): NetResult {
  const venue = Uint32Array.from(entries, (entry) => entry.venue);
  const symbol = Uint32Array.from(entries, (entry) => entry.symbol);
  const groups = internPairs(venue, symbol, entries.length, names.venues.length + 1, names.symbols.length);
  const nets: Net[] = [];
  entries.forEach(({ delta }, at) => {
    const group = groups.ids[at] as number;
    nets[group] ??= { qty: 0, size: 0, notional: 0, value: 0, residual: 0 };
    addDelta(nets[group] as Net, delta);
  });
  const deltas: SymbolDelta[] = [];
  const skipped: SkippedDelta[] = [];
  nets.forEach((net, group) => {
    const first = entries[groups.firstRow[group] as number] as NetEntry;
    const deltaQty = netQuantity(net, ruleOf(first.symbol));
    if (deltaQty === 0) return;
    const { symbol, venue } = first.delta;
    const { notional } = net;
    if (Math.abs(notional) < minNotional) {
      skipped.push({
        reason: "BELOW_MIN_NOTIONAL",
        worldId: "",
        strategyId: "",
        symbol,
        venue,
        deltaQty,
        notional,
      });
    } else {
      deltas.push({
        symbol,
        venue,
        deltaQty,
        mark: net.value / net.size,
        notional,
        residualQty: net.residual,
      });
    }
  });
  return { deltas, skipped };
}

function addDelta(net: Net, delta: SymbolDelta): void {
  const size = Math.abs(delta.deltaQty);
  net.qty += delta.deltaQty;
  net.size += size;
  net.notional += delta.notional;
  net.value += size * delta.mark;
  net.residual += delta.residualQty;
}

/** A sum of whole lots is whole lots again, without the float noise of adding them. */
function netQuantity(net: Net, rule: LotRule | undefined): number {
  if (isNoise(net.qty, net.size)) return 0;
  if (rule === undefined) return net.qty;
  const lots = Math.round(net.qty / rule.lot);
  return Number.isSafeInteger(lots) ? quantityOfLots(lots, rule) : net.qty;
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
  const entries = deltas.map((delta, at) => ({
    delta,
    symbol: names.symbol[at] as number,
    venue: names.venue[at] as number,
  }));
  return netDeltas(entries, names, minTradeNotional, lotLookup(names.symbols, lotBySymbol));
}
