const NOISE = 4 * Number.EPSILON;

/** Whether a sum is no more than the float noise that changes leave which cancel out; `gross` = Σ |parts|. */
export function isNoise(sum: number, gross: number): boolean {
  return Math.abs(sum) <= NOISE * gross;
}
