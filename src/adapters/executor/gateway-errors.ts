import { fromBinary, type Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { anyUnpack, durationMs } from "@bufbuild/protobuf/wkt";
import { type ServiceError, status } from "@grpc/grpc-js";
import { ErrorInfoSchema, RetryInfoSchema } from "#thirdparty/google/rpc/error_details_pb.ts";
import { StatusSchema } from "#thirdparty/google/rpc/status_pb.ts";
import type { SubmitOutcome } from "../../ports/executor.ts";

const RETRY_AFTER_MS = 1_000;
const MAX_MESSAGE = 500;

/** Codes that only an executor itself gives, before it takes anything. */
const REFUSALS: ReadonlySet<number> = new Set([
  status.INVALID_ARGUMENT,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
]);

/**
 * What a failed submission means. ABORTED and RESOURCE_EXHAUSTED also come from below, from connections that were cut
 * with the call on its way: they are only believed with the reason that the contract asks for.
 */
export function outcomeOfError(error: unknown): SubmitOutcome {
  if (!isServiceError(error)) return { kind: "unknown", message: "the executor's answer could not be read" };
  const message = `the executor answered ${status[error.code]}: ${error.details}`.slice(0, MAX_MESSAGE);
  if (REFUSALS.has(error.code)) return { kind: "refused", message };
  const details = detailsOf(error);
  const reason = details.find(ErrorInfoSchema)?.reason;
  if (error.code === status.ABORTED && reason === "LOCK_LOST") return { kind: "fenced" };
  if (error.code === status.RESOURCE_EXHAUSTED && reason === "LIMIT_EXCEEDED") {
    const delay = details.find(RetryInfoSchema)?.retryDelay;
    return { kind: "busy", retryAfterMs: delay === undefined ? RETRY_AFTER_MS : durationMs(delay), message };
  }
  return { kind: "unknown", message };
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error && typeof error.code === "number";
}

interface Details {
  find<M extends Message>(schema: GenMessage<M>): M | undefined;
}

/** The details that gRPC carries in a trailer of its own; broken ones say nothing. */
function detailsOf(error: ServiceError): Details {
  const [trailer] = error.metadata?.get("grpc-status-details-bin") ?? [];
  const packed = trailer instanceof Uint8Array ? unpackable(trailer) : [];
  return {
    find(schema) {
      for (const any of packed) {
        const found = anyUnpack(any, schema);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}

function unpackable(trailer: Uint8Array) {
  try {
    return fromBinary(StatusSchema, trailer).details;
  } catch {
    return [];
  }
}
