import { linearityV1 } from "./linearity-v1.ts";
import { linearityV2 } from "./linearity-v2.ts";
import { LINEARITY_SPECS, type LinearityKey } from "./metric-spec.ts";

/**
 * Both generations of linearity figures under their wire keys.
 *
 * @param curve levels, oldest first, in any one unit, all finite.
 * @returns exactly the keys of the table in its order, every value finite; 0.0 where a figure has no value.
 */
export function linearityFigures(curve: ArrayLike<number>): Map<LinearityKey, number> {
  const v1 = linearityV1(curve);
  const v2 = linearityV2(curve);
  const values: Readonly<Record<LinearityKey, number>> = {
    el_v1_score: v1.score,
    el_v1_r2_up: v1.r2Up,
    el_v1_straightness: v1.straightness,
    el_v1_monotonicity: v1.monotonicity,
    el_v1_new_high_frac: v1.newHighFrac,
    el_v1_net_gain: v1.netGain,
    el_v2_score: v2.score,
    el_v2_tvr: v2.tvr,
    el_v2_tuw: v2.tuw,
    el_v2_r2_up: v2.r2Up,
    el_v2_spearman_rho: v2.spearmanRho,
    el_v2_t_slope: v2.tSlope,
    el_v2_t_slope_sig: v2.tSlopeSig,
    el_v2_mdd_norm: v2.mddNorm,
    el_v2_net_gain: v2.netGain,
  };
  return new Map(LINEARITY_SPECS.map(({ key }) => [key, Number.isFinite(values[key]) ? values[key] + 0 : 0]));
}
