/** What an error of the service says, in one flat form: the reason, the fields, whether and when a repeat helps. */
import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { ErrorReason } from "#gen/worldservice/v2/error_reason_pb.ts";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "#thirdparty/google/rpc/error_details_pb.ts";

/** Names of the enum `ErrorReason`, as `ErrorInfo` carries them: without prefix. */
export type ReasonName = Exclude<keyof typeof ErrorReason, "UNSPECIFIED">;

export interface FieldViolation {
  /** Path of the field in the request: `rebalance.positions[3].qty`. */
  readonly field: string;
  readonly description: string;
}

export interface Refusal {
  readonly code: Code;
  /** Name of the reason (`RUN_ID_REUSED`), newer ones included; empty when no service of ours answered. */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly violations: readonly FieldViolation[];
  /** Milliseconds after which the service wants the same call again; undefined = a repeat is not asked for. */
  readonly retryAfterMs: number | undefined;
}

/** Reads any error; what is no error of an RPC comes as UNKNOWN with its own text. */
export function refusalOf(error: unknown): Refusal {
  const known = ConnectError.from(error);
  const info = known.findDetails(ErrorInfoSchema)[0];
  const delay = known.findDetails(RetryInfoSchema)[0]?.retryDelay;
  const fields = known.findDetails(BadRequestSchema).flatMap((detail) => detail.fieldViolations);
  return {
    code: known.code,
    reason: info?.reason ?? "",
    message: known.rawMessage,
    metadata: new Map(Object.entries(info?.metadata ?? {})),
    violations: fields.map(({ field, description }) => ({ field, description })),
    retryAfterMs: delay === undefined ? undefined : durationMs(delay),
  };
}

/** True for an error with this reason. */
export function isRefusal(error: unknown, reason: ReasonName): boolean {
  return error instanceof ConnectError && refusalOf(error).reason === reason;
}

/** `FailedPrecondition` as the wire writes it: `FAILED_PRECONDITION`. */
export function codeName(code: Code): string {
  return (Code[code] ?? String(code)).replace(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
