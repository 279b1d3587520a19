import { clamp, fitLine } from "./least-squares.ts";

/** How straight and how steadily rising a curve is, first generation. Ranges stand beside each figure. */
export interface LinearityV1 {
  /** R² of the straight-line fit where the slope is positive, else 0; 0..1. */
  readonly r2Up: number;
  /** Length of the diagonal ÷ length of the curve drawn in the unit square, 0..1; 0 without net gain or loss. */
  readonly straightness: number;
  /** Share of steps that rise by more than `eps`, 0..1. */
  readonly monotonicity: number;
  /** Share of points that are a new high by more than `eps`, 0..1. */
  readonly newHighFrac: number;
  /** Last level − first level, in the curve's unit. */
  readonly netGain: number;
  /** clamp(0.45·r2Up + 0.45·straightness + 0.10·(monotonicity + newHighFrac)/2), 0..1; 0 unless the net gain is > 0. */
  readonly score: number;
}

const NOTHING: LinearityV1 = {
  r2Up: 0,
  straightness: 0,
  monotonicity: 0,
  newHighFrac: 0,
  netGain: 0,
  score: 0,
};

interface PathShape {
  readonly length: number;
  readonly rises: number;
  readonly newHighs: number;
}

/** One walk along the curve, drawn with width 1 and height |net|. */
function walk(curve: ArrayLike<number>, net: number, eps: number): PathShape {
  const n = curve.length;
  const width = 1 / (n - 1);
  const height = Math.abs(net);
  let length = 0;
  let rises = 0;
  let newHighs = 0;
  let peak = Number.NEGATIVE_INFINITY;
  for (let t = 0; t < n; t++) {
    const y = curve[t] ?? 0;
    if (y > peak + eps) {
      newHighs++;
      peak = y;
    }
    if (t === 0) continue;
    const step = y - (curve[t - 1] ?? 0);
    if (height > 0) length += Math.sqrt(width * width + (step / height) * (step / height));
    if (step > eps) rises++;
  }
  return { length, rises, newHighs };
}

/**
 * Linearity of an equity curve, first generation (`el_v1_*`).
 *
 * @param curve levels, oldest first, in any one unit, all finite.
 * @param eps smallest step that counts as a rise or new high, in the curve's unit.
 * @returns all zeros for fewer than two levels.
 */
export function linearityV1(curve: ArrayLike<number>, eps = 1e-12): LinearityV1 {
  const n = curve.length;
  if (n < 2) return NOTHING;
  const netGain = (curve[n - 1] ?? 0) - (curve[0] ?? 0);
  const fit = fitLine(curve);
  const path = walk(curve, netGain, eps);
  const r2Up = fit.slope > 0 ? fit.r2 : 0;
  const straightness = netGain === 0 ? 0 : clamp(Math.SQRT2 / path.length, 0, 1);
  const monotonicity = path.rises / (n - 1);
  const newHighFrac = path.newHighs / n;
  const blend = 0.45 * r2Up + 0.45 * straightness + (0.1 * (monotonicity + newHighFrac)) / 2;
  const score = netGain > 0 ? clamp(blend, 0, 1) : 0;
  return { r2Up, straightness, monotonicity, newHighFrac, netGain, score };
}
