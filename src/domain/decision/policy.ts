/** Bounds on one metric of a strategy; inclusive. Without bounds the metric only has to be there. */
export interface Threshold {
  readonly metric: string;
  readonly min?: number;
  readonly max?: number;
}

/** Keeps the k strategies with the highest value of a metric. */
export interface TopK {
  readonly metric: string;
  /** 1 or more. */
  readonly k: number;
}

/** Leaves out a strategy whose correlation with one chosen before it is above `max` in size. */
export interface CorrelationLimit {
  /** −1..1. */
  readonly max: number;
}

/** A strategy comes in at `enter` or above and stays until it falls below `exit`. */
export interface Hysteresis {
  readonly metric: string;
  readonly enter: number;
  /** Not above `enter`. */
  readonly exit: number;
}

/** What a threshold on a metric that a strategy does not have means: out, in with a remark, or in. */
export const MISSING_METRIC_MODES = ["fail", "warn", "ignore"] as const;

export type MissingMetricMode = (typeof MISSING_METRIC_MODES)[number];

/** Which strategies of a world are active. A stage that is absent lets everything pass. */
export interface Policy {
  /** By name; names only tell thresholds apart when policies are merged. */
  readonly thresholds: ReadonlyMap<string, Threshold>;
  readonly topK?: TopK;
  readonly correlation?: CorrelationLimit;
  readonly hysteresis?: Hysteresis;
  readonly onMissingMetric: MissingMetricMode;
}

/** The policy that lets everything pass. */
export const OPEN_POLICY: Policy = { thresholds: new Map(), onMissingMetric: "fail" };
