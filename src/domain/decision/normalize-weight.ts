/**
 * The weight of an activation as clients count it: cut to 0..1.
 *
 * Without a weight it follows `active`: 1 when active, 0 when not, unknown when that is unknown too. NaN stays NaN; the
 * edge refuses it, and a made-up weight would hide that.
 *
 * @param weight ratio, or nothing.
 * @param active whether the strategy is active, or nothing.
 */
export function normalizeWeight(
  weight: number | null | undefined,
  active: boolean | null | undefined,
): number | null {
  if (weight !== null && weight !== undefined) return Math.min(1, Math.max(0, weight));
  if (active === null || active === undefined) return null;
  return active ? 1 : 0;
}
