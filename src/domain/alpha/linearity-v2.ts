import { clamp, fitLine } from "./least-squares.ts";
import { spearmanWithTime } from "./spearman.ts";

/** What linearity v2 may be asked differently from its defaults. */
export interface LinearityV2Options {
  /** `up` rewards rising curves, `down` falling ones; any other word mirrors the curve and scores 0. Default `up`. */
  readonly orientation?: string;
  /** Judge the logarithm of the curve, where all its (mirrored) levels are above 0. Default false. */
  readonly useLog?: boolean;
  /** Every k-th level at which the path is compared with its net change, each ≥ 1. Default 1, 5, 20. */
  readonly scales?: readonly number[];
  /** Smallest difference that counts, in the curve's unit. Default 1e-10. */
  readonly eps?: number;
}

/** How straight and how steadily rising a curve is, second generation. Ranges stand beside each figure. */
export interface LinearityV2 {
  /** R² of the straight-line fit where the slope is positive, else 0; 0..1. */
  readonly r2Up: number;
  /** Rank correlation with time, −1..1. */
  readonly spearmanRho: number;
  /** Slope ÷ its standard error, unbounded; 0 for a curve without residuals. */
  readonly tSlope: number;
  /** |tSlope| / 3, cut to 0..1. */
  readonly tSlopeSig: number;
  /** Geometric mean over the scales of |net change| ÷ way walked, 0..1. */
  readonly tvr: number;
  /** Share of points that are not a new high (time under water), 0..1. */
  readonly tuw: number;
  /** Share of points that are a new high, 0..1. */
  readonly nhFrac: number;
  /** Largest fall from a peak ÷ |net change|, ≥ 0. */
  readonly mddNorm: number;
  /** Last level − first level of the (mirrored, logarithmic) curve. */
  readonly netGain: number;
  /** Harmonic mean of √(r2Up·max(0, rho)), tvr, nhFrac and 1/(1+mddNorm), 0..1; 0 unless the raw curve gained. */
  readonly score: number;
}

const NOTHING: LinearityV2 = {
  r2Up: 0,
  spearmanRho: 0,
  tSlope: 0,
  tSlopeSig: 0,
  tvr: 0,
  tuw: 0,
  nhFrac: 0,
  mddNorm: 0,
  netGain: 0,
  score: 0,
};

function orient(curve: ArrayLike<number>, sign: number, useLog: boolean): Float64Array {
  const oriented = new Float64Array(curve.length);
  for (let t = 0; t < oriented.length; t++) oriented[t] = sign * (curve[t] ?? 0);
  return useLog && oriented.every((level) => level > 0) ? oriented.map((level) => Math.log(level)) : oriented;
}

/** Slope ÷ standard error; a perfect line has no error to divide by and gets 0. */
function slopeStatistic(n: number, fit: ReturnType<typeof fitLine>): number {
  if (fit.squaredResiduals <= 0 || (fit.slope === 0 && fit.r2 === 0)) return 0;
  return fit.slope / Math.sqrt(fit.squaredResiduals / (n - 2) / fit.periodSpread);
}

/** |net change| ÷ way walked, looking at every k-th level (and the last, unless it equals the one before). */
function trendOverVariation(curve: Float64Array, scale: number, eps: number): number {
  const n = curve.length;
  const stride = n > 2 * scale ? scale : 1;
  const first = curve[0] ?? 0;
  let last = first;
  let way = 0;
  for (let t = stride; t < n; t += stride) {
    const level = curve[t] ?? 0;
    way += Math.abs(level - last);
    last = level;
  }
  const end = curve[n - 1] ?? 0;
  way += Math.abs(end - last);
  return way > eps ? Math.abs(end - first) / way : 0;
}

function geometricMean(values: readonly number[]): number {
  if (values.some((value) => value <= 0)) return 0;
  const logs = values.reduce((sum, value) => sum + Math.log(value), 0);
  return values.length > 0 ? Math.exp(logs / values.length) : 0;
}

function harmonicMean(values: readonly number[], eps: number): number {
  const reciprocals = values.reduce((sum, value) => sum + 1 / Math.max(eps, clamp(value, 0, 1)), 0);
  return values.length / reciprocals;
}

function highsAndFalls(curve: Float64Array, eps: number): { newHighs: number; deepestFall: number } {
  let peak = Number.NEGATIVE_INFINITY;
  let newHighs = 0;
  let deepestFall = 0;
  for (const level of curve) {
    if (level > peak + eps) newHighs++;
    if (level > peak) peak = level;
    if (peak - level > deepestFall) deepestFall = peak - level;
  }
  return { newHighs, deepestFall };
}

/** Whether the raw curve went the way that is asked for. */
function gained(curve: ArrayLike<number>, orientation: string): boolean {
  const change = (curve[curve.length - 1] ?? 0) - (curve[0] ?? 0);
  return orientation === "up" ? change > 0 : orientation === "down" && change < 0;
}

/**
 * Linearity of an equity curve, second generation (`el_v2_*`).
 *
 * @param curve levels, oldest first, in any one unit, all finite.
 * @returns all zeros for fewer than three levels.
 */
export function linearityV2(curve: ArrayLike<number>, options: LinearityV2Options = {}): LinearityV2 {
  if (curve.length < 3) return NOTHING;
  const { orientation = "up", useLog = false, scales = [1, 5, 20], eps = 1e-10 } = options;
  const oriented = orient(curve, orientation === "up" ? 1 : -1, useLog);
  const shape = measure(oriented, scales, eps);
  const { r2Up, spearmanRho, tvr, nhFrac, mddNorm } = shape;
  const parts = [Math.sqrt(r2Up * Math.max(0, spearmanRho)), tvr, nhFrac, 1 / (1 + mddNorm)];
  return { ...shape, score: gained(curve, orientation) ? harmonicMean(parts, eps) : 0 };
}

function measure(curve: Float64Array, scales: readonly number[], eps: number): Omit<LinearityV2, "score"> {
  const n = curve.length;
  const fit = fitLine(curve);
  const tSlope = slopeStatistic(n, fit);
  const { newHighs, deepestFall } = highsAndFalls(curve, eps);
  const tuw = (n - newHighs) / n;
  const netGain = (curve[n - 1] ?? 0) - (curve[0] ?? 0);
  return {
    r2Up: fit.slope > 0 ? fit.r2 : 0,
    spearmanRho: spearmanWithTime(curve),
    tSlope,
    tSlopeSig: clamp(Math.abs(tSlope) / 3, 0, 1),
    tvr: geometricMean(scales.map((scale) => trendOverVariation(curve, scale, eps))),
    tuw,
    nhFrac: 1 - tuw,
    mddNorm: deepestFall / (Math.abs(netGain) + eps),
    netGain,
  };
}
