/** The straight line through a curve, and how well it fits. */
export interface LineFit {
  /** Rise per period, in the curve's unit. */
  readonly slope: number;
  /** Share of the variance that the line explains, 0..1; 0 for a curve without variance. */
  readonly r2: number;
  /** Sum of squared residuals, in the curve's unit squared, ≥ 0. */
  readonly squaredResiduals: number;
  /** Σ(t − t̄)², the spread of the periods. */
  readonly periodSpread: number;
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

/**
 * Ordinary least squares of a curve over its index t = 0..n−1.
 *
 * The index makes Σt and Σt² closed sums. The order of operations follows the reference results: the t statistic of a
 * nearly straight line is decided by residuals in the last bits.
 *
 * @param curve levels, oldest first, at least two, all finite.
 */
export function fitLine(curve: ArrayLike<number>): LineFit {
  const n = curve.length;
  const sumT = (n * (n - 1)) / 2;
  const sumTT = ((n - 1) * n * (2 * n - 1)) / 6;
  let sumY = 0;
  let sumTY = 0;
  for (let t = 0; t < n; t++) {
    const y = curve[t] ?? 0;
    sumY += y;
    sumTY += t * y;
  }
  const determinant = n * sumTT - sumT * sumT;
  const slope = determinant === 0 ? 0 : (n * sumTY - sumT * sumY) / determinant;
  const meanY = sumY / n;
  const intercept = (sumY - slope * sumT) / n;
  let squaredResiduals = 0;
  let squaredTotal = 0;
  for (let t = 0; t < n; t++) {
    const y = curve[t] ?? 0;
    squaredResiduals += (y - (intercept + slope * t)) ** 2;
    squaredTotal += (y - meanY) ** 2;
  }
  const r2 = squaredTotal > 0 ? clamp(1 - squaredResiduals / squaredTotal, 0, 1) : 0;
  return { slope, r2, squaredResiduals, periodSpread: determinant / n };
}
