import type { AlphaStatistics } from "./statistics.ts";

/**
 * Sum of the positive net returns ÷ size of the sum of the negative ones.
 *
 * Unit: ratio. Range: [0, ∞). Sample rule: at least one period.
 * Missing rule: `undefined` for a series without losses, which has no finite factor.
 */
export function profitFactor(statistics: AlphaStatistics): number | undefined {
  return statistics.losses > 0 ? statistics.gains / statistics.losses : undefined;
}
