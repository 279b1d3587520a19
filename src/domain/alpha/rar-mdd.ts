import { maxDrawdown } from "./max-drawdown.ts";
import { sharpe } from "./sharpe.ts";
import type { AlphaStatistics } from "./statistics.ts";

/**
 * Risk-adjusted return ÷ size of the maximum drawdown: sharpe / |max_drawdown|.
 *
 * Unit: per period, not annualised. Range: unbounded. Sample rule: at least two periods.
 * Missing rule: `undefined` for fewer than two periods, a constant series, or one that never falls.
 *
 * @param riskFreeRate ratio per period.
 */
export function rarMdd(statistics: AlphaStatistics, riskFreeRate = 0): number | undefined {
  const ratio = sharpe(statistics, riskFreeRate);
  const drawdown = maxDrawdown(statistics);
  if (ratio === undefined || drawdown === undefined || drawdown === 0) return undefined;
  return ratio / -drawdown;
}
