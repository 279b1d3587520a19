import { type AlphaStatistics, spread } from "./statistics.ts";

/**
 * Sharpe ratio: mean(e) / std(e), with e = net return − risk-free rate.
 *
 * Unit: per period, not annualised. Range: unbounded. Sample rule: population standard deviation (÷ n), at least two
 * periods. Missing rule: `undefined` for fewer than two periods and for a constant series.
 *
 * @param riskFreeRate ratio per period.
 */
export function sharpe(statistics: AlphaStatistics, riskFreeRate = 0): number | undefined {
  const deviation = spread(statistics);
  return deviation === undefined ? undefined : (statistics.mean - riskFreeRate) / deviation;
}
