/**
 * Why a call was refused. The names are public API (`ErrorInfo.reason`, enum `ErrorReason` in the protos);
 * `src/rpc/errors.ts` alone decides which gRPC code each of them travels under.
 */
export const REASONS = [
  "INVALID_FIELD",
  "SCHEMA_VERSION_UNSUPPORTED",
  "OVERLAY_CONFIG_INVALID",
  "ALLOCATION_SUM_EXCEEDED",
  "CURSOR_INVALID",
  "WORLD_NOT_FOUND",
  "RUN_NOT_FOUND",
  "ACTIVATION_NOT_FOUND",
  "ALLOCATION_NOT_FOUND",
  "POLICY_NOT_FOUND",
  "RUN_ID_REUSED",
  "WORLD_EXISTS",
  "SCHEMA_VERSION_TOO_LOW",
  "MODE_REQUIRES_V2",
  "WORLD_FROZEN",
  "WORLD_SUSPENDED",
  "CIRCUIT_BREAKER_OPEN",
  "LIVE_NOT_ALLOWED",
  "EXECUTOR_NOT_CONFIGURED",
  "SHARED_ACCOUNT_DISABLED",
  "SHARED_ACCOUNT_POLICY",
  "OVERLAY_EXECUTION_AMBIGUOUS",
  "SHADOW_ORDERS_BLOCKED",
  "APPLY_FROZEN",
  "ETAG_MISMATCH",
  "LOCK_LOST",
  "APPLY_IN_PROGRESS",
  "LOCK_TIMEOUT",
  "STORE_UNAVAILABLE",
  "DRAINING",
  "EXECUTION_IN_DOUBT",
  "EXECUTOR_UNAVAILABLE",
  "CURSOR_COMPACTED",
  "CURSOR_DIVERGED",
  "SUBSCRIBER_TOO_SLOW",
  "LIMIT_EXCEEDED",
  "MESSAGE_TOO_LARGE",
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
  "DEADLINE_EXCEEDED",
] as const;

export type Reason = (typeof REASONS)[number];

/** One field that is wrong: `field` is a proto path (`rebalance.positions[3].qty`), `description` a sentence. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** What an error carries beside its sentence. */
export interface DomainErrorOptions {
  /** Extra facts for `ErrorInfo.metadata`: never secrets, keys or host names. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The wrong fields, for `BadRequest`. */
  readonly violations?: readonly FieldViolation[];
  /** How long a caller should wait before the same call again, in milliseconds, where a retry helps. */
  readonly retryAfterMs?: number;
  /** Kept for the log, never sent. */
  readonly cause?: unknown;
}

/** A refusal the caller can act on. Everything that is not one of these reaches callers as INTERNAL. */
export class DomainError extends Error {
  readonly reason: Reason;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;

  constructor(reason: Reason, message: string, options: DomainErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "DomainError";
    this.reason = reason;
    this.metadata = options.metadata ?? {};
    this.violations = options.violations ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The refusal of one or more fields. */
export function invalidFields(
  violations: readonly FieldViolation[],
  metadata: Record<string, string> = {},
): DomainError {
  const text = violations.map((v) => `${v.field}: ${v.description}`).join("; ");
  return new DomainError("INVALID_FIELD", text, { violations, metadata });
}
