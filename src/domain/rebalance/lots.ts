/**
 * Whole lots, exactly: r = |q| / lot, n = round(r); n counts when |r - n| <= max(1e-9, 4 * 2^-52 * r), else
 * floor(r) does. The quantity is n * lot rounded to the lot's own decimals, with the sign of q, so that
 * 0.3 with lot 0.1 is 0.3 and no float error costs a lot.
 */

const LOT_TOLERANCE = 1e-9;
const RELATIVE_TOLERANCE = 4 * Number.EPSILON;
/** Beyond this many lots a double cannot tell one lot from the next: the quantity stays as it is. */
const MAX_LOTS = Number.MAX_SAFE_INTEGER;
/** Powers of ten up to here are exact doubles, so that one division rounds correctly. */
const MAX_EXACT_DECIMALS = 22;
/** The most that Number.prototype.toFixed takes. */
const MAX_FIXED_DECIMALS = 100;

/** A lot taken apart: lot = units / power, both whole where `exact`. */
export interface LotRule {
  readonly lot: number;
  readonly decimals: number;
  readonly power: number;
  readonly units: number;
  readonly exact: boolean;
}

/** @param lot step in units of the symbol; 0, negative and not-a-number mean "no lot" and give `undefined`. */
export function lotRule(lot: number): LotRule | undefined {
  if (!(lot > 0) || lot === Infinity) return undefined;
  const decimals = decimalsOf(lot);
  const power = 10 ** decimals;
  const units = Math.round(lot * power);
  const exact = decimals <= MAX_EXACT_DECIMALS && units <= MAX_LOTS;
  return { lot, decimals, power, units, exact };
}

/** Decimals of the shortest text that reads back as the same double. */
function decimalsOf(value: number): number {
  const [digits = "", exponent = "0"] = String(value).split("e");
  const fraction = digits.split(".")[1] ?? "";
  return Math.max(0, fraction.length - Number(exponent));
}

/** Signed count of whole lots in a quantity; not a number when the quantity is not one. */
export function wholeLots(qty: number, lot: number): number {
  const ratio = Math.abs(qty) / lot;
  const nearest = Math.round(ratio);
  const near = Math.abs(ratio - nearest) <= Math.max(LOT_TOLERANCE, RELATIVE_TOLERANCE * ratio);
  const lots = near ? nearest : Math.floor(ratio);
  return qty < 0 ? 0 - lots : lots;
}

/** The quantity of a signed count of lots, rounded to the lot's own decimals. */
export function quantityOfLots(lots: number, rule: LotRule): number {
  const scaled = lots * rule.units;
  if (rule.exact && Math.abs(scaled) <= MAX_LOTS) return scaled / rule.power;
  const product = lots * rule.lot;
  if (rule.decimals > MAX_FIXED_DECIMALS || Math.abs(product) >= 1e21) return product;
  return Number(product.toFixed(rule.decimals));
}

/** Rounds toward zero to whole lots under a rule; without one the quantity stays as it is. */
export function roundByRule(qty: number, rule: LotRule | undefined): number {
  if (rule === undefined) return qty;
  const lots = wholeLots(qty, rule.lot);
  return Math.abs(lots) <= MAX_LOTS ? quantityOfLots(lots, rule) : qty;
}

/**
 * Rounds a quantity toward zero to whole lots.
 *
 * @param qty units of the symbol, signed.
 * @param lot smallest step; 0 or less means any amount can be traded.
 */
export function roundToLot(qty: number, lot: number): number {
  return roundByRule(qty, lotRule(lot));
}

/** What rounding took away, with the sign of the wanted quantity; float noise around a whole lot counts as 0. */
export function lotResidue(wanted: number, rounded: number, rule: LotRule | undefined): number {
  if (rule === undefined) return 0;
  const residue = wanted - rounded;
  const noise = Math.max(LOT_TOLERANCE * rule.lot, RELATIVE_TOLERANCE * Math.abs(wanted));
  return Math.abs(residue) <= noise ? 0 : residue;
}

/**
 * Lot rules by symbol index. Each distinct symbol and each distinct lot is looked at once, however many
 * worlds and venues trade it.
 */
export function lotLookup(
  symbols: readonly string[],
  lotBySymbol: ReadonlyMap<string, number>,
): (symbol: number) => LotRule | undefined {
  if (lotBySymbol.size === 0) return () => undefined;
  const known = new Uint8Array(symbols.length);
  const bySymbol: (LotRule | undefined)[] = [];
  const byLot = new Map<number, LotRule | undefined>();
  const ruleOf = (lot: number): LotRule | undefined => {
    if (!byLot.has(lot)) byLot.set(lot, lotRule(lot));
    return byLot.get(lot);
  };
  return (symbol) => {
    if (known[symbol] === 0) {
      known[symbol] = 1;
      bySymbol[symbol] = ruleOf(lotBySymbol.get(symbols[symbol] as string) ?? 0);
    }
    return bySymbol[symbol];
  };
}
