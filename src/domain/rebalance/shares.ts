import { type LotRule, quantityOfLots, wholeLots } from "./lots.ts";

const WHOLE = 1e-9;

/**
 * Whole numbers that sum to `total` and stay within one of the targets, by largest remainder; equal remainders
 * go to the earlier one.
 *
 * @param targets real numbers that sum to `total` but for float noise.
 * @param total a whole number.
 */
export function largestRemainder(targets: readonly number[], total: number): number[] {
  if (total >= 0) return roundUpTo(targets, total);
  // Sales are shared as purchases are: the same parts with the other sign.
  const mirrored = roundUpTo(
    targets.map((target) => -target),
    -total,
  );
  return mirrored.map((part) => 0 - part);
}

function roundUpTo(targets: readonly number[], total: number): number[] {
  const whole = targets.map((target) => {
    const nearest = Math.round(target);
    return Math.abs(target - nearest) <= WHOLE * Math.max(1, Math.abs(target)) ? nearest : Math.floor(target);
  });
  const missing = total - whole.reduce((sum, part) => sum + part, 0);
  const remainder = (at: number): number => (targets[at] as number) - (whole[at] as number);
  const step = Math.sign(missing);
  const open = [...targets.keys()].filter((at) => targets[at] !== 0);
  const byNeed = open.sort((a, b) => step * (remainder(b) - remainder(a)) || a - b);
  for (let given = 0; given < Math.abs(missing) && byNeed.length > 0; given++) {
    const at = byNeed[given % byNeed.length] as number;
    whole[at] = (whole[at] as number) + step;
  }
  return whole;
}

/** Quantities near the targets that sum to `total`: in whole lots where a lot is known. */
export function conserve(
  targets: readonly number[],
  total: number,
  rule: LotRule | undefined,
): readonly number[] {
  if (rule === undefined) return targets;
  const lots = wholeLots(total, rule.lot);
  if (!Number.isSafeInteger(lots)) return targets;
  const scaled = targets.map((target) => target / rule.lot);
  return largestRemainder(scaled, lots).map((part) => quantityOfLots(part, rule));
}

/**
 * What each strategy should trade so that together they trade `total`.
 *
 * Strategies that must trade, trade: those that move against the world's net change move in full, the others
 * share what is left in proportion to what they want. Where nobody must trade, exposure decides.
 *
 * @param changes units each strategy wants to trade, signed.
 * @param exposures size of each strategy's position, base currency.
 * @returns `undefined` where there is nothing to go by.
 */
export function shareTargets(
  total: number,
  changes: readonly number[],
  exposures: readonly number[],
): readonly number[] | undefined {
  return byWantedChange(total, changes) ?? proportional(total, exposures);
}

function byWantedChange(total: number, changes: readonly number[]): readonly number[] | undefined {
  const buys = changes.reduce((sum, change) => sum + Math.max(change, 0), 0);
  const sells = changes.reduce((sum, change) => sum + Math.max(-change, 0), 0);
  const up = buys > sells || (buys === sells && total >= 0);
  const moving = up ? buys : sells;
  const needed = up ? total + sells : buys - total;
  if (moving === 0 || needed < 0) return undefined;
  const factor = needed / moving;
  return changes.map((change) => (change > 0 === up ? change * factor : change));
}

/** Splits a total by weights; `undefined` where they sum to nothing. */
export function proportional(total: number, weights: readonly number[]): readonly number[] | undefined {
  const sum = weights.reduce((so, weight) => so + weight, 0);
  return sum > 0 ? weights.map((weight) => total * (weight / sum)) : undefined;
}
