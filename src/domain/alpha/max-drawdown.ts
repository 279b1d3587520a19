import type { AlphaStatistics } from "./statistics.ts";

/**
 * Largest fall of the summed net returns below their highest sum, which starts at 0.
 *
 * Unit: ratio of the capital at the start, added up rather than compounded, so that it is the currency drawdown of a
 * position of constant size. Range: [−1, 0]; more than the whole capital cannot be lost, so a sum that falls further
 * counts as −1. Sample rule: at least one period. Missing rule: `undefined` without periods; a series that never falls
 * has a measured 0.
 */
export function maxDrawdown(statistics: AlphaStatistics): number | undefined {
  return statistics.periods === 0 ? undefined : Math.max(-1, statistics.deepestFall);
}
