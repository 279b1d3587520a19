import { clamp } from "./least-squares.ts";

/** First index in ascending `sorted` whose value is not below `value`. */
function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** First index in ascending `sorted`, from `start` on, whose value is above `value`. */
function upperBound(sorted: Float64Array, value: number, start: number): number {
  let low = start;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Ranks 1..n of the values; equal values share the average of their places. */
export function averageRanks(values: ArrayLike<number>): Float64Array {
  const sorted = new Float64Array(values).sort();
  const ranks = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    const first = lowerBound(sorted, value);
    const next = sorted[first + 1] === value ? upperBound(sorted, value, first) : first + 1;
    ranks[i] = (first + 1 + next) / 2;
  }
  return ranks;
}

/**
 * Spearman's rank correlation of a curve with time: Pearson's correlation of the ranks of the values (average ranks for
 * ties) with 1..n.
 *
 * @param curve levels, oldest first, all finite.
 * @returns −1 (always falling) to 1 (always rising); 0 where all values are equal.
 */
export function spearmanWithTime(curve: ArrayLike<number>): number {
  const n = curve.length;
  const ranks = averageRanks(curve);
  const mean = (n + 1) / 2;
  let together = 0;
  let timeSpread = 0;
  let rankSpread = 0;
  for (let i = 0; i < n; i++) {
    const time = i + 1 - mean;
    const rank = (ranks[i] ?? 0) - mean;
    together += time * rank;
    timeSpread += time * time;
    rankSpread += rank * rank;
  }
  const scale = Math.sqrt(timeSpread) * Math.sqrt(rankSpread);
  return scale > 0 ? clamp(together / scale, -1, 1) : 0;
}
