/**
 * Everything the six figures need of a return series, in a fixed number of numbers: a series can grow by one period, or
 * by a million, without being read again. Plain JSON, so that a store can keep it.
 *
 * A batch is a fold of the same step, so a series measured at once and one measured piece by piece agree to the bit.
 * All returns are net of `transactionCost`; the risk-free rate shifts only the mean and is therefore given when the
 * figures are read.
 */
export interface AlphaStatistics {
  /** Subtracted from every return before it is counted, a ratio per period. */
  readonly transactionCost: number;
  /** Number of periods. */
  readonly periods: number;
  /** Mean net return per period. */
  readonly mean: number;
  /** Σ(r − mean)², by Welford's recurrence: summing squares would lose the spread of a series far from zero. */
  readonly squaredDeviations: number;
  /** Periods with a net return above zero. */
  readonly wins: number;
  /** Sum of the positive net returns. */
  readonly gains: number;
  /** Size of the sum of the negative net returns, ≥ 0. */
  readonly losses: number;
  /** Sum of all net returns. */
  readonly level: number;
  /** Highest sum so far, at least 0. */
  readonly peak: number;
  /** Deepest fall of the sum below its peak so far, ≤ 0. */
  readonly deepestFall: number;
  /** Compounded growth: `growth · 2^(512 · growthScale)`. Kept in two parts so that no long series overflows it. */
  readonly growth: number;
  /** See `growth`; a whole number. */
  readonly growthScale: number;
}

const GROWTH_UNIT = 2 ** 512;
const GROWTH_INVERSE = 2 ** -512;

/**
 * Statistics of no periods.
 *
 * @param transactionCost ratio per period (0.0005 is 5 basis points), finite; taken from every return that follows.
 */
export function emptyStatistics(transactionCost = 0): AlphaStatistics {
  return {
    transactionCost,
    periods: 0,
    mean: 0,
    squaredDeviations: 0,
    wins: 0,
    gains: 0,
    losses: 0,
    level: 0,
    peak: 0,
    deepestFall: 0,
    growth: 1,
    growthScale: 0,
  };
}

/**
 * The statistics after more periods. One pass, no allocation per period.
 *
 * A net return of −1 or less ends the compounding: the growth is 0 from there on, whatever follows.
 *
 * @param returns simple returns per period as ratios, oldest first.
 * @throws RangeError when a return is not finite: the edge refuses such series with the field that holds them.
 */
export function appendReturns(before: AlphaStatistics, returns: ArrayLike<number>): AlphaStatistics {
  let { periods, mean, squaredDeviations, wins, gains, losses, level, peak, deepestFall } = before;
  const { transactionCost } = before;
  for (let i = 0; i < returns.length; i++) {
    const net = (returns[i] ?? Number.NaN) - transactionCost;
    if (!Number.isFinite(net)) throw new RangeError(`return ${i} is not finite`);
    periods++;
    const delta = net - mean;
    mean += delta / periods;
    squaredDeviations += delta * (net - mean);
    level += net;
    if (net > 0) {
      wins++;
      gains += net;
      if (level > peak) peak = level;
    } else {
      losses -= net;
      if (level - peak < deepestFall) deepestFall = level - peak;
    }
  }
  const grown = compound(before, returns);
  return {
    transactionCost,
    periods,
    mean,
    squaredDeviations,
    wins,
    gains,
    losses,
    level,
    peak,
    deepestFall,
    ...grown,
  };
}

/** The compounded growth after more periods, rescaled before it can overflow or vanish. */
function compound(
  before: AlphaStatistics,
  returns: ArrayLike<number>,
): { growth: number; growthScale: number } {
  let { growth, growthScale } = before;
  const { transactionCost } = before;
  for (let i = 0; i < returns.length; i++) {
    const net = (returns[i] ?? 0) - transactionCost;
    growth *= net > -1 ? 1 + net : 0;
    if (growth > GROWTH_UNIT) {
      growth *= GROWTH_INVERSE;
      growthScale++;
    } else if (growth < GROWTH_INVERSE && growth > 0) {
      growth *= GROWTH_UNIT;
      growthScale--;
    }
  }
  return { growth, growthScale };
}

/** Population standard deviation of the net returns; `undefined` where it is 0 but for rounding. */
export function spread(statistics: AlphaStatistics): number | undefined {
  if (statistics.periods < 2) return undefined;
  const deviation = Math.sqrt(statistics.squaredDeviations / statistics.periods);
  // Equal growth from level to level gives returns that differ in their last bits; that is noise, not risk.
  const noise = 4 * Number.EPSILON * (1 + Math.abs(statistics.mean));
  return deviation > noise ? deviation : undefined;
}

/** Compounded growth of one unit of capital, ≥ 0; may be infinite for a series no double can hold. */
export function totalGrowth(statistics: AlphaStatistics): number {
  const { growth, growthScale } = statistics;
  if (growthScale === 0 || growth === 0) return growth;
  return growth * 2 ** (512 * growthScale);
}
