import { maxDrawdown } from "./max-drawdown.ts";
import { type AlphaStatistics, totalGrowth } from "./statistics.ts";

/**
 * Compounded return ÷ size of the maximum drawdown: (Π max(0, 1 + r) − 1) / |max_drawdown|.
 *
 * Unit: ratio of a compounded to an added-up figure. Range: unbounded. Sample rule: at least one period; after a net
 * return of −1 or less the product stays 0, for there is no capital left to compound.
 * Missing rule: `undefined` without periods and for a series that never falls.
 */
export function carMdd(statistics: AlphaStatistics): number | undefined {
  const drawdown = maxDrawdown(statistics);
  if (drawdown === undefined || drawdown === 0) return undefined;
  return (totalGrowth(statistics) - 1) / -drawdown;
}
