import type { AlphaStatistics } from "./statistics.ts";

/**
 * Share of periods with a net return above zero: count(r > 0) / n.
 *
 * Unit: ratio of periods. Range: [0, 1]. Sample rule: at least one period; a return of zero is not a win.
 * Missing rule: `undefined` without periods.
 */
export function winRatio(statistics: AlphaStatistics): number | undefined {
  return statistics.periods === 0 ? undefined : statistics.wins / statistics.periods;
}
