import { randomUUID } from "node:crypto";
import { isFieldError } from "@bufbuild/protobuf/reflect";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "#thirdparty/google/rpc/error_details_pb.ts";
import { DomainError, type FieldViolation, type Reason } from "../domain/errors.ts";

/** The `domain` of every `google.rpc.ErrorInfo` this service sends. */
export const ERROR_DOMAIN = "worldservice";

/** The one table that decides under which gRPC code a reason travels. */
export const CODE_BY_REASON = {
  INVALID_FIELD: Code.InvalidArgument,
  SCHEMA_VERSION_UNSUPPORTED: Code.InvalidArgument,
  OVERLAY_CONFIG_INVALID: Code.InvalidArgument,
  ALLOCATION_SUM_EXCEEDED: Code.InvalidArgument,
  CURSOR_INVALID: Code.InvalidArgument,
  WORLD_NOT_FOUND: Code.NotFound,
  RUN_NOT_FOUND: Code.NotFound,
  ACTIVATION_NOT_FOUND: Code.NotFound,
  ALLOCATION_NOT_FOUND: Code.NotFound,
  POLICY_NOT_FOUND: Code.NotFound,
  RUN_ID_REUSED: Code.AlreadyExists,
  WORLD_EXISTS: Code.AlreadyExists,
  SCHEMA_VERSION_TOO_LOW: Code.FailedPrecondition,
  MODE_REQUIRES_V2: Code.FailedPrecondition,
  WORLD_FROZEN: Code.FailedPrecondition,
  WORLD_SUSPENDED: Code.FailedPrecondition,
  CIRCUIT_BREAKER_OPEN: Code.FailedPrecondition,
  LIVE_NOT_ALLOWED: Code.FailedPrecondition,
  EXECUTOR_NOT_CONFIGURED: Code.FailedPrecondition,
  SHARED_ACCOUNT_DISABLED: Code.FailedPrecondition,
  SHARED_ACCOUNT_POLICY: Code.FailedPrecondition,
  OVERLAY_EXECUTION_AMBIGUOUS: Code.FailedPrecondition,
  SHADOW_ORDERS_BLOCKED: Code.FailedPrecondition,
  APPLY_FROZEN: Code.FailedPrecondition,
  ETAG_MISMATCH: Code.Aborted,
  LOCK_LOST: Code.Aborted,
  APPLY_IN_PROGRESS: Code.Aborted,
  LOCK_TIMEOUT: Code.Unavailable,
  STORE_UNAVAILABLE: Code.Unavailable,
  DRAINING: Code.Unavailable,
  EXECUTION_IN_DOUBT: Code.Unavailable,
  EXECUTOR_UNAVAILABLE: Code.Unavailable,
  CURSOR_COMPACTED: Code.OutOfRange,
  CURSOR_DIVERGED: Code.DataLoss,
  SUBSCRIBER_TOO_SLOW: Code.ResourceExhausted,
  LIMIT_EXCEEDED: Code.ResourceExhausted,
  MESSAGE_TOO_LARGE: Code.ResourceExhausted,
  UNAUTHENTICATED: Code.Unauthenticated,
  PERMISSION_DENIED: Code.PermissionDenied,
  DEADLINE_EXCEEDED: Code.DeadlineExceeded,
} as const satisfies Record<Reason, Code>;

/** Where the cause of an INTERNAL error goes: a pino logger fits. */
export interface ErrorLog {
  error(fields: object, message: string): void;
}

/** What a refusal tells its caller; the texts are cut to what every gRPC client accepts as trailers. */
interface Refusal {
  readonly reason: string;
  readonly code: Code;
  readonly message: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly violations?: readonly FieldViolation[];
  readonly retryAfterMs?: number | undefined;
}

/**
 * The error as a caller may see it: code, sentence, `google.rpc.ErrorInfo`, and where they apply `BadRequest` and
 * `RetryInfo`. What is neither a `DomainError` nor an error of the RPC layer becomes INTERNAL "internal error" with
 * an error id; its cause goes to the log under that id and nowhere else.
 */
export function toConnectError(error: unknown, { log }: { log: ErrorLog }): ConnectError {
  if (error instanceof DomainError) {
    const { reason, message, metadata, violations, retryAfterMs } = error;
    const code = CODE_BY_REASON[reason];
    return amend(new ConnectError(message, code), {
      reason,
      code,
      message,
      metadata,
      violations,
      retryAfterMs,
    });
  }
  if (error instanceof ConnectError && !error.isWireError) return completeConnectError(error, { log });
  if (isAbort(error) || isCutOff(error)) {
    return completeConnectError(new ConnectError("the call was cancelled", Code.Canceled), { log });
  }
  if (isEndOfCall(error)) return toConnectError(error.cause, { log });
  return amend(new ConnectError(INTERNAL_TEXT, Code.Internal), internalRefusal(error, log));
}

/**
 * Gives an error that the RPC layer raised itself the details every error carries. It changes the error in place:
 * some of them are already on their way to the wire when we first see them (see `edge/call-gate.ts`).
 */
export function completeConnectError(error: ConnectError, { log }: { log: ErrorLog }): ConnectError {
  const complete = error.details.some(
    (detail) => "desc" in detail && detail.desc.typeName === ErrorInfoSchema.typeName,
  );
  return complete ? error : amend(error, refusalOf(error, log));
}

/** The reason a caller reads in the error's `ErrorInfo`, or undefined when it has none. */
export function reasonOf(error: ConnectError): string | undefined {
  return error.findDetails(ErrorInfoSchema)[0]?.reason;
}

const INTERNAL_TEXT = "internal error";

/** The reasons of errors that the RPC layer itself raises; every other code from there is a mistake of ours. */
const REASON_BY_CODE: Partial<Record<Code, string>> = {
  [Code.Canceled]: "CANCELED",
  [Code.DeadlineExceeded]: "DEADLINE_EXCEEDED",
  [Code.NotFound]: "UNIMPLEMENTED", // a health check for a service this server does not have
  [Code.PermissionDenied]: "PERMISSION_DENIED",
  [Code.ResourceExhausted]: "LIMIT_EXCEEDED",
  [Code.Unimplemented]: "UNIMPLEMENTED",
  [Code.Unauthenticated]: "UNAUTHENTICATED",
};

function refusalOf(error: ConnectError, log: ErrorLog): Refusal {
  const message = error.rawMessage;
  if (isPeerGone(error)) return { reason: "CANCELED", code: Code.Canceled, message: "the caller went away" };
  if (error.code === Code.InvalidArgument || isUndecodable(error)) {
    const violations = [{ field: fieldOf(error), description: message }];
    return { reason: "INVALID_FIELD", code: Code.InvalidArgument, message, violations };
  }
  if (error.code === Code.ResourceExhausted && /\bthan configured (read|write)MaxBytes\b/.test(message)) {
    return { reason: "MESSAGE_TOO_LARGE", code: error.code, message };
  }
  const reason = REASON_BY_CODE[error.code];
  return reason === undefined ? internalRefusal(error, log) : { reason, code: error.code, message };
}

/** A connection or stream that ended under the call: nobody reads the answer, and it must not look like our fault. */
function isPeerGone(error: ConnectError): boolean {
  const isReset = error.rawMessage.startsWith("http/2 stream closed with error code");
  return error.code === Code.Aborted || isReset || isCutOff(error.cause);
}

/** What Node says of a request that ended before its end. */
function isCutOff(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE";
}

function internalRefusal(error: unknown, log: ErrorLog): Refusal {
  const errorId = randomUUID();
  log.error({ err: error, errorId }, INTERNAL_TEXT);
  return { reason: "INTERNAL", code: Code.Internal, message: INTERNAL_TEXT, metadata: { error_id: errorId } };
}

/** Bytes that are no message of the method: Connect calls that INTERNAL, but the caller is who can mend it. */
function isUndecodable(error: ConnectError): boolean {
  return (
    error.code === Code.Internal &&
    /^(parse binary: |received compressed envelope|decompression failed)/.test(error.rawMessage)
  );
}

/** The field that a JSON decoder stumbled over, `timeout` for a deadline, or "" for the message as a whole. */
function fieldOf(error: ConnectError): string {
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    if (isFieldError(cause)) return cause.field().name;
  }
  return /^(timeout |protocol error: invalid .*timeout)/.test(error.rawMessage) ? "timeout" : "";
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** A step that failed only because its call was over: ended by its deadline, its caller or the server's stop. */
function isEndOfCall(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const { cause } = error;
  return isAbort(cause) || (cause instanceof ConnectError && !cause.isWireError);
}

/** Writes a refusal into an error, details included. */
function amend(error: ConnectError, refusal: Refusal): ConnectError {
  const { reason, violations = [], retryAfterMs } = refusal;
  const kept = withinBudget(violations);
  const metadata = { ...refusal.metadata };
  if (kept.length < violations.length) metadata.violations = String(violations.length);
  error.details.push({ desc: ErrorInfoSchema, value: { reason, domain: ERROR_DOMAIN, metadata } });
  if (kept.length > 0) error.details.push({ desc: BadRequestSchema, value: { fieldViolations: kept } });
  if (retryAfterMs !== undefined) {
    error.details.push({ desc: RetryInfoSchema, value: { retryDelay: durationFromMs(retryAfterMs) } });
  }
  return Object.assign(error, { code: refusal.code, rawMessage: cut(refusal.message, MAX_MESSAGE_BYTES) });
}

/**
 * Sizes in UTF-8 bytes. The text travels percent-encoded (three for one in the worst case) and the details in base64,
 * all as HTTP/2 trailers, of which some gRPC clients accept no more than 8 KiB.
 */
const MAX_MESSAGE_BYTES = 600;
const MAX_VIOLATION_BYTES = 300;
const MAX_VIOLATIONS_BYTES = 2500;

function withinBudget(violations: readonly FieldViolation[]): FieldViolation[] {
  const kept: FieldViolation[] = [];
  let bytes = 0;
  for (const violation of violations) {
    const field = cut(violation.field, MAX_VIOLATION_BYTES);
    const description = cut(violation.description, MAX_VIOLATION_BYTES);
    bytes += Buffer.byteLength(field) + Buffer.byteLength(description);
    if (bytes > MAX_VIOLATIONS_BYTES) break;
    kept.push({ field, description });
  }
  return kept;
}

function cut(text: string, maxBytes: number): string {
  const whole = text.toWellFormed(); // half a surrogate pair cannot be encoded at all
  if (Buffer.byteLength(whole) <= maxBytes) return whole;
  const start = Buffer.from(whole)
    .subarray(0, maxBytes - 3)
    .toString();
  return `${start.replace(/\ufffd$/, "")}…`;
}
