import { venueName } from "./columns.ts";
import { type NetEntries, netDeltas } from "./global.ts";
import { type Ledger, MIXED, readLedger, UNMARKED } from "./ledger.ts";
import { type LotRule, lotLookup, lotResidue, roundByRule } from "./lots.ts";
import { isNoise } from "./noise.ts";
import { computeScales, type Scales, type WorldScale } from "./scales.ts";
import type {
  OperationCounter,
  PlannerRules,
  PositionColumns,
  RebalanceInput,
  SkippedDelta,
  SymbolDelta,
  WorldPlan,
} from "./types.ts";

/** What the proportional planner found, before the global view. */
export interface ScalingResult {
  readonly ledger: Ledger;
  readonly scales: Scales;
  readonly perWorld: readonly WorldPlan[];
  readonly globalDeltas: readonly SymbolDelta[];
  readonly skipped: readonly SkippedDelta[];
  /** By order of `perWorld`: the world's whole wanted change and the sum of its parts' sizes, base currency. */
  readonly wanted: Float64Array;
  readonly wantedGross: Float64Array;
}

/** Wanted change of every key, base currency: Σ (qty * mark * factor - qty * mark), and Σ of the sizes of its parts. */
interface Changes {
  readonly notional: Float64Array;
  readonly gross: Float64Array;
}

/**
 * Proportional planner: every position moves by its strategy's scale (else its world's), changes are summed by
 * (world, venue, symbol), sized at the key's mark and rounded to whole lots.
 *
 * @param fraction share of every change that is traded, 0..1; the rest is for an overlay.
 */
export function planScaling(
  input: RebalanceInput,
  rules: PlannerRules,
  fraction: number,
  counter?: OperationCounter,
): ScalingResult {
  const ledger = readLedger(input.positions, counter);
  const scales = computeScales(ledger, input, rules);
  const changes = sumChanges(ledger, scales.factorOfSleeve);
  const marks = keyMarks(ledger, scales.factorOfSleeve, changes, rules);
  if (counter !== undefined) counter.operations += input.positions.count + 2 * ledger.keys.size;
  return { ledger, scales, ...settleKeys(ledger, scales, changes, marks, input, fraction, counter) };
}

function sumChanges(ledger: Ledger, factorOfSleeve: Float64Array): Changes {
  const { count, qty, mark } = ledger.positions;
  const sleeveOf = ledger.sleeves.ids;
  const keyOf = ledger.keys.ids;
  const notional = new Float64Array(ledger.keys.size);
  const gross = new Float64Array(ledger.keys.size);
  for (let row = 0; row < count; row++) {
    const value = (qty[row] as number) * (mark[row] as number);
    // Same operations in the same order as the figures that callers compare with.
    const change = value * (factorOfSleeve[sleeveOf[row] as number] as number) - value;
    const key = keyOf[row] as number;
    notional[key] = (notional[key] as number) + change;
    gross[key] = (gross[key] as number) + Math.abs(change);
  }
  return { notional, gross };
}

/** Marks that size the keys, and the units of those keys whose notional says nothing about them. */
interface KeyMarks {
  readonly mark: Float64Array;
  /** Wanted units of keys without a mark. */
  readonly unpriced: Float64Array | undefined;
}

/**
 * The mark of a key is the mean of its marks above 0. Where v2 finds different marks, it is their average by
 * |quantity| instead, and the key's change is revalued at it: one instrument has one price.
 */
function keyMarks(ledger: Ledger, factors: Float64Array, changes: Changes, rules: PlannerRules): KeyMarks {
  const { keys, markSum, markCount, firstMark, markFlags, anyFlags } = ledger;
  const mark = new Float64Array(keys.size);
  for (let key = 0; key < keys.size; key++) {
    const exact = rules === "v2" && markFlags[key] === 0;
    mark[key] = exact ? (firstMark[key] as number) : (markSum[key] as number) / (markCount[key] as number);
  }
  const revalue = rules === "v2" && (anyFlags & MIXED) !== 0;
  if (!revalue && (anyFlags & UNMARKED) === 0) return { mark, unpriced: undefined };
  const units = sumUnits(ledger, factors);
  if (revalue) revalueMixed(ledger, mark, units, changes);
  return { mark, unpriced: units.change };
}

interface Units {
  readonly size: Float64Array;
  readonly value: Float64Array;
  readonly change: Float64Array;
  readonly gross: Float64Array;
}

/** Per key, over rows with a mark above 0 where there are any: Σ |qty|, Σ |qty| * mark; over all rows: the wanted units. */
function sumUnits(ledger: Ledger, factors: Float64Array): Units {
  const { count, qty, mark } = ledger.positions;
  const column = (): Float64Array => new Float64Array(ledger.keys.size);
  const units: Units = { size: column(), value: column(), change: column(), gross: column() };
  const add = (to: Float64Array, key: number, figure: number): void => {
    to[key] = (to[key] as number) + figure;
  };
  for (let row = 0; row < count; row++) {
    const key = ledger.keys.ids[row] as number;
    if (ledger.markFlags[key] === 0) continue;
    const quantity = qty[row] as number;
    const price = mark[row] as number;
    const change = quantity * (factors[ledger.sleeves.ids[row] as number] as number) - quantity;
    add(units.change, key, change);
    add(units.gross, key, Math.abs(change));
    if (!(price > 0)) continue;
    add(units.size, key, Math.abs(quantity));
    add(units.value, key, Math.abs(quantity) * price);
  }
  return units;
}

function revalueMixed(ledger: Ledger, mark: Float64Array, units: Units, changes: Changes): void {
  for (let key = 0; key < ledger.keys.size; key++) {
    if (((ledger.markFlags[key] as number) & MIXED) === 0) continue;
    const size = units.size[key] as number;
    if (size > 0) mark[key] = (units.value[key] as number) / size;
    const price = mark[key] as number;
    changes.notional[key] = (units.change[key] as number) * price;
    changes.gross[key] = (units.gross[key] as number) * price;
  }
}

/** What all keys share while they are settled. */
interface Settlement {
  readonly ledger: Ledger;
  readonly changes: Changes;
  readonly marks: KeyMarks;
  readonly ruleOf: (symbol: number) => LotRule | undefined;
  readonly minNotional: number;
  readonly fraction: number;
  readonly skipped: SkippedDelta[];
}

/** Turns wanted changes into deltas in whole lots, world by world, and nets them over the worlds. */
function settleKeys(
  ledger: Ledger,
  scales: Scales,
  changes: Changes,
  marks: KeyMarks,
  input: RebalanceInput,
  fraction: number,
  counter: OperationCounter | undefined,
): Omit<ScalingResult, "ledger" | "scales"> {
  const { positions, keys } = ledger;
  const ruleOf = lotLookup(positions.symbols, input.lotBySymbol);
  const minNotional = input.minTradeNotional;
  const skipped: SkippedDelta[] = [];
  const shared: Settlement = { ledger, changes, marks, ruleOf, minNotional, fraction, skipped };
  const perWorld = scales.worlds.map((world) => openPlan(world));
  const wanted = new Float64Array(perWorld.length);
  const wantedGross = new Float64Array(perWorld.length);
  for (let key = 0; key < keys.size; key++) {
    const row = keys.firstRow[key] as number;
    const order = scales.orderOfWorld[positions.world[row] as number] as number;
    wanted[order] = (wanted[order] as number) + (changes.notional[key] as number);
    wantedGross[order] = (wantedGross[order] as number) + (changes.gross[key] as number);
    const { plan, rows } = perWorld[order] as OpenPlan;
    const delta = settleKey(shared, key, row, plan.worldId);
    if (delta === undefined) continue;
    plan.deltas.push(delta);
    rows.push(row);
  }
  const net = netDeltas(netEntries(positions, perWorld), positions, minNotional, ruleOf, counter);
  for (const each of net.skipped) skipped.push(each);
  const plans = perWorld.map(({ plan }) => plan);
  return { perWorld: plans, globalDeltas: net.deltas, skipped, wanted, wantedGross };
}

/** A world's plan while its deltas are found, with a row of each delta's key. */
interface OpenPlan {
  readonly plan: WorldPlan & { readonly deltas: SymbolDelta[] };
  readonly rows: number[];
}

function openPlan({ worldId, scaleWorld, scaleByStrategy }: WorldScale): OpenPlan {
  return { plan: { worldId, scaleWorld, scaleByStrategy, deltas: [] }, rows: [] };
}

function netEntries({ symbol, venue }: PositionColumns, perWorld: readonly OpenPlan[]): NetEntries {
  const deltas: SymbolDelta[] = [];
  for (const { plan } of perWorld) for (const delta of plan.deltas) deltas.push(delta);
  const entries = { deltas, symbol: new Uint32Array(deltas.length), venue: new Uint32Array(deltas.length) };
  let at = 0;
  for (const { rows } of perWorld) {
    for (const row of rows) {
      entries.symbol[at] = symbol[row] as number;
      entries.venue[at++] = venue[row] as number;
    }
  }
  return entries;
}

/** One key's delta, or nothing: for a change of 0, and for one that is dropped and then listed as skipped. */
function settleKey(shared: Settlement, key: number, row: number, worldId: string): SymbolDelta | undefined {
  const { changes, fraction } = shared;
  if (shared.ledger.markCount[key] === 0) {
    const units = (shared.marks.unpriced?.[key] as number) * fraction;
    if (units !== 0) skip(shared, "NO_MARK", row, worldId, units, 0);
    return undefined;
  }
  const whole = changes.notional[key] as number;
  const notional = whole * fraction;
  if (notional === 0 || isNoise(whole, changes.gross[key] as number)) return undefined;
  const { positions } = shared.ledger;
  const mark = shared.marks.mark[key] as number;
  const units = notional / mark;
  if (Math.abs(notional) < shared.minNotional) {
    skip(shared, "BELOW_MIN_NOTIONAL", row, worldId, units, notional);
    return undefined;
  }
  const symbol = positions.symbol[row] as number;
  const rule = shared.ruleOf(symbol);
  const deltaQty = roundByRule(units, rule);
  if (deltaQty === 0) {
    if (units !== 0) skip(shared, "BELOW_LOT", row, worldId, units, notional);
    return undefined;
  }
  return {
    symbol: positions.symbols[symbol] as string,
    venue: venueName(positions, positions.venue[row] as number),
    deltaQty,
    mark,
    notional: deltaQty * mark,
    residualQty: lotResidue(units, deltaQty, rule),
  };
}

function skip(
  { ledger: { positions }, skipped }: Settlement,
  reason: SkippedDelta["reason"],
  row: number,
  worldId: string,
  deltaQty: number,
  notional: number,
): void {
  const symbol = positions.symbols[positions.symbol[row] as number] as string;
  const venue = venueName(positions, positions.venue[row] as number);
  skipped.push({ reason, worldId, strategyId: "", symbol, venue, deltaQty, notional });
}
