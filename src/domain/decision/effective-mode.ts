/** How far a world may act on its decisions. */
export const EFFECTIVE_MODES = ["VALIDATE", "COMPUTE_ONLY", "PAPER", "LIVE", "SHADOW"] as const;

export type EffectiveMode = (typeof EFFECTIVE_MODES)[number];

/** What the newest history entry says about the data behind the decisions. */
export interface DataEvidence {
  /** Fingerprint of the data set; empty or absent = unknown. */
  readonly datasetFingerprint?: string | undefined;
  /** First and last time that the data covers. */
  readonly coverageBounds?: readonly number[] | undefined;
  /** Outcome of conformance checks, by name. */
  readonly conformanceFlags?: ReadonlyMap<string, number> | undefined;
  /** Number of rows. */
  readonly rows?: number | undefined;
}

/** What is remembered of the last decision. A store keeps it, so that every replica decides alike. */
export interface ModeMemory {
  readonly mode: EffectiveMode;
  /** Empty for none. */
  readonly datasetFingerprint: string;
}

/** Everything a decision on the mode depends on. */
export interface ModeInput {
  readonly bindings: readonly string[];
  readonly decisions: readonly string[];
  readonly allowLive: boolean;
  readonly evidence: DataEvidence | undefined;
  /** The last decision; `undefined` for none. */
  readonly memory: ModeMemory | undefined;
}

export interface ModeDecision {
  readonly mode: EffectiveMode;
  /** Everything that led to it, joined with " & ". */
  readonly reason: string;
  /** How long it may be relied on, in milliseconds. */
  readonly ttlMs: number;
  /** What to remember in place of the memory that was given. */
  readonly memory: ModeMemory;
}

const TTL_MS = 300_000;

/** A live mode without fresh evidence is to be asked for again sooner. */
const HOLD_TTL_MS = 120_000;

const READY = ["bindings_present", "decisions_present"];

function hasMetrics(evidence: DataEvidence | undefined): boolean {
  const { coverageBounds = [], conformanceFlags, rows = 0 } = evidence ?? {};
  return coverageBounds.length > 0 || (conformanceFlags?.size ?? 0) > 0 || rows > 0;
}

function computeOnlyReasons(allowLive: boolean, fingerprint: string, metrics: boolean): string[] {
  if (!allowLive) return ["allow_live_disabled"];
  return [
    ...(fingerprint === "" ? ["dataset_fingerprint_missing"] : []),
    ...(metrics ? [] : ["required_metrics_missing"]),
  ];
}

/** Live at once with a fingerprint and metrics; held live without metrics while the fingerprint stays the same. */
function decideReady(input: ModeInput, fingerprint: string): Omit<ModeDecision, "memory"> {
  const metrics = hasMetrics(input.evidence);
  const known = input.allowLive && fingerprint !== "";
  if (known && metrics) {
    const reasons = [...READY, "allow_live", "dataset_fingerprint_ok", "metrics_ok"];
    return { mode: "LIVE", reason: reasons.join(" & "), ttlMs: TTL_MS };
  }
  const { memory } = input;
  if (known && memory?.mode === "LIVE" && memory.datasetFingerprint === fingerprint) {
    const reasons = [...READY, "allow_live", "hysteresis_hold"];
    return { mode: "LIVE", reason: reasons.join(" & "), ttlMs: HOLD_TTL_MS };
  }
  const reasons = [...READY, ...computeOnlyReasons(input.allowLive, fingerprint, metrics)];
  return { mode: "COMPUTE_ONLY", reason: reasons.join(" & "), ttlMs: TTL_MS };
}

function decide(input: ModeInput, fingerprint: string): Omit<ModeDecision, "memory"> {
  if (input.bindings.length === 0) return { mode: "VALIDATE", reason: "no_bindings", ttlMs: TTL_MS };
  if (input.decisions.length === 0) {
    return { mode: "VALIDATE", reason: "no_active_strategies", ttlMs: TTL_MS };
  }
  return decideReady(input, fingerprint);
}

/**
 * The mode in which a world's strategies may run now.
 *
 * Without bindings or decisions VALIDATE; with them LIVE where the world allows it and its data is known and measured,
 * or was so at the last decision on the same data (hysteresis: a gap in the metrics does not stop a live world); else
 * COMPUTE_ONLY, with every reason that stands against LIVE.
 */
export function decideEffectiveMode(input: ModeInput): ModeDecision {
  const datasetFingerprint = input.evidence?.datasetFingerprint ?? "";
  const decision = decide(input, datasetFingerprint);
  return { ...decision, memory: { mode: decision.mode, datasetFingerprint } };
}

/** What an etag of a decision is made of. Times are ISO-8601 texts; absent parts are left out. */
export interface DecisionEtagParts {
  readonly worldId: string;
  /** Default policy version, 0 for none. */
  readonly policyVersion: number;
  readonly datasetFingerprint?: string | undefined;
  readonly asOf?: string | undefined;
  readonly updatedAt?: string | undefined;
  /** Time of the decision, seconds since 1970. */
  readonly epochSeconds: number;
}

/** `w:<world>:v<policy version>[:<fingerprint>][:<as of>][:<updated at>]:<epoch seconds>`. */
export function decisionEtag(parts: DecisionEtagParts): string {
  const optional = [parts.datasetFingerprint, parts.asOf, parts.updatedAt];
  const given = optional.filter((part) => part !== undefined && part !== "");
  return ["w", parts.worldId, `v${parts.policyVersion}`, ...given, `${parts.epochSeconds}`].join(":");
}
