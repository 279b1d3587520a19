/**
 * The canonical definition of every figure by which worlds and strategies are judged. `GetMetricSpec`, the reference
 * page and the client's parser are all made from this table; it imports nothing, so that any of them can read it.
 */
export interface MetricSpec {
  /** Name on the wire, with its prefix. */
  readonly key: string;
  readonly unit: string;
  readonly range: string;
  readonly formula: string;
  /** What stands on the wire when the figure has no value. */
  readonly defaultValue: number;
  /** When the figure has no value. */
  readonly missingRule: string;
  /** Fewest periods (alpha) or levels (linearity) the figure is computed from. */
  readonly minPoints: number;
}

/** Every alpha key starts with this. */
export const ALPHA_PREFIX = "alpha_performance.";

/** Figures of the whole portfolio stand beside a strategy's own under this prefix, and never replace them. */
export const PORTFOLIO_PREFIX = "portfolio_";

const ALPHA_TABLE = [
  {
    key: "alpha_performance.sharpe",
    unit: "per period, not annualised",
    range: "(-inf, inf)",
    formula: "mean(e) / std(e) with e = r - risk_free_rate and the population standard deviation",
    missingRule: "0.0 for fewer than two periods, and for a constant series (no spread to divide by)",
    minPoints: 2,
  },
  {
    key: "alpha_performance.max_drawdown",
    unit: "ratio of the capital at the start, added up (not compounded)",
    range: "[-1, 0]",
    formula: "max(-1, min over t of (S_t - max(0, S_1 .. S_t))) with S_t = r_1 + .. + r_t",
    missingRule: "0.0 without periods; a series that never falls has a measured 0.0",
    minPoints: 1,
  },
  {
    key: "alpha_performance.win_ratio",
    unit: "ratio of periods",
    range: "[0, 1]",
    formula: "count(r > 0) / n; a return of zero is not a win",
    missingRule: "0.0 without periods",
    minPoints: 1,
  },
  {
    key: "alpha_performance.profit_factor",
    unit: "ratio",
    range: "[0, inf)",
    formula: "sum(r where r > 0) / |sum(r where r < 0)|",
    missingRule: "0.0 without periods, and for a series without losses",
    minPoints: 1,
  },
  {
    key: "alpha_performance.car_mdd",
    unit: "ratio",
    range: "(-inf, inf)",
    formula:
      "(product(max(0, 1 + r)) - 1) / |max_drawdown|; after a return of -1 or less the product stays 0",
    missingRule: "0.0 without periods, and for a series that never falls",
    minPoints: 1,
  },
  {
    key: "alpha_performance.rar_mdd",
    unit: "per period, not annualised",
    range: "(-inf, inf)",
    formula: "sharpe / |max_drawdown|",
    missingRule: "0.0 for fewer than two periods, for a constant series, and for a series that never falls",
    minPoints: 2,
  },
] as const;

const NO_CURVE_V1 = "0.0 for fewer than two levels";
const NO_CURVE_V2 = "0.0 for fewer than three levels";

const LINEARITY_TABLE = [
  {
    key: "el_v1_score",
    unit: "score",
    range: "[0, 1]",
    formula:
      "clamp(0.45*r2_up + 0.45*straightness + 0.10*(monotonicity + new_high_frac)/2); 0 unless net_gain > 0",
    missingRule: NO_CURVE_V1,
    minPoints: 2,
  },
  {
    key: "el_v1_r2_up",
    unit: "share of variance",
    range: "[0, 1]",
    formula: "R^2 of the least squares line over t = 0..n-1 where its slope is > 0, else 0",
    missingRule: NO_CURVE_V1,
    minPoints: 2,
  },
  {
    key: "el_v1_straightness",
    unit: "ratio of lengths",
    range: "[0, 1]",
    formula: "sqrt(2) / sum(hypot(1/(n-1), step/|net_gain|))",
    missingRule: `${NO_CURVE_V1}, and for a net gain of zero`,
    minPoints: 2,
  },
  {
    key: "el_v1_monotonicity",
    unit: "ratio of steps",
    range: "[0, 1]",
    formula: "count(step > 1e-12) / (n-1)",
    missingRule: NO_CURVE_V1,
    minPoints: 2,
  },
  {
    key: "el_v1_new_high_frac",
    unit: "ratio of levels",
    range: "[0, 1]",
    formula: "count(level > earlier peak + 1e-12) / n; the first level counts",
    missingRule: NO_CURVE_V1,
    minPoints: 2,
  },
  {
    key: "el_v1_net_gain",
    unit: "the curve's unit",
    range: "(-inf, inf)",
    formula: "last level - first level",
    missingRule: NO_CURVE_V1,
    minPoints: 2,
  },
  {
    key: "el_v2_score",
    unit: "score",
    range: "[0, 1]",
    formula:
      "harmonic mean of sqrt(r2_up*max(0, spearman_rho)), tvr, 1 - tuw, 1/(1 + mdd_norm), each at least 1e-10; 0 unless net_gain > 0",
    missingRule: NO_CURVE_V2,
    minPoints: 3,
  },
  {
    key: "el_v2_tvr",
    unit: "ratio of lengths",
    range: "[0, 1]",
    formula: "geometric mean over k = 1, 5, 20 of |net_gain| / sum(|step|) on every k-th level",
    missingRule: `${NO_CURVE_V2}, and for a curve that never moves`,
    minPoints: 3,
  },
  {
    key: "el_v2_tuw",
    unit: "ratio of levels",
    range: "[0, 1]",
    formula: "count(level <= earlier peak + 1e-10) / n",
    missingRule: NO_CURVE_V2,
    minPoints: 3,
  },
  {
    key: "el_v2_r2_up",
    unit: "share of variance",
    range: "[0, 1]",
    formula: "R^2 of the least squares line over t = 0..n-1 where its slope is > 0, else 0",
    missingRule: NO_CURVE_V2,
    minPoints: 3,
  },
  {
    key: "el_v2_spearman_rho",
    unit: "correlation",
    range: "[-1, 1]",
    formula: "correlation of the levels' ranks (average ranks) with time",
    missingRule: `${NO_CURVE_V2}, and where all levels are equal`,
    minPoints: 3,
  },
  {
    key: "el_v2_t_slope",
    unit: "t statistic",
    range: "(-inf, inf)",
    formula: "slope / sqrt(SSres/(n-2)/Sxx)",
    missingRule: `${NO_CURVE_V2}, and for a perfect line (no residual to divide by)`,
    minPoints: 3,
  },
  {
    key: "el_v2_t_slope_sig",
    unit: "score",
    range: "[0, 1]",
    formula: "min(1, |t_slope| / 3)",
    missingRule: NO_CURVE_V2,
    minPoints: 3,
  },
  {
    key: "el_v2_mdd_norm",
    unit: "ratio",
    range: "[0, inf)",
    formula: "largest fall from an earlier peak / (|net_gain| + 1e-10)",
    missingRule: NO_CURVE_V2,
    minPoints: 3,
  },
  {
    key: "el_v2_net_gain",
    unit: "the curve's unit",
    range: "(-inf, inf)",
    formula: "last level - first level",
    missingRule: NO_CURVE_V2,
    minPoints: 3,
  },
] as const;

/** A key of the six alpha figures. */
export type AlphaKey = (typeof ALPHA_TABLE)[number]["key"];

/** A key of the linearity figures. */
export type LinearityKey = (typeof LINEARITY_TABLE)[number]["key"];

/** The six alpha figures, in the order in which they are always written. */
export const ALPHA_SPECS: readonly (MetricSpec & { readonly key: AlphaKey })[] = ALPHA_TABLE.map((row) => ({
  ...row,
  defaultValue: 0,
}));

/** The linearity figures of both generations. */
export const LINEARITY_SPECS: readonly (MetricSpec & { readonly key: LinearityKey })[] = LINEARITY_TABLE.map(
  (row) => ({ ...row, defaultValue: 0 }),
);

/** Everything that `GetMetricSpec` answers. */
export const METRIC_SPECS: readonly MetricSpec[] = [...ALPHA_SPECS, ...LINEARITY_SPECS];

/** The six keys in their order. */
export const ALPHA_KEYS: readonly AlphaKey[] = ALPHA_SPECS.map((spec) => spec.key);
