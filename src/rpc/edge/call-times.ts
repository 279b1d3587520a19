import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import * as connect from "@connectrpc/connect/protocol-connect";
import * as grpc from "@connectrpc/connect/protocol-grpc";
import type { ErrorLog } from "../errors.ts";
import { withDeadline } from "./body-deadline.ts";

/** The two times the edge bounds itself, in milliseconds. */
export interface CallTimes {
  readonly maxTimeoutMs: number;
  readonly bodyTimeoutMs: number;
}

/**
 * Bounds the times of a call whose caller does not: the length of a unary call, and how long a request that is one
 * message may take to arrive.
 */
export function boundTimes(
  handler: UniversalHandler,
  request: UniversalServerRequest,
  times: CallTimes,
  log: ErrorLog,
): UniversalServerRequest {
  const { methodKind } = handler.method;
  const deadlineMs = boundDeadline(request.header, methodKind === "unary", times.maxTimeoutMs);
  const { body } = request;
  const streamsRequests = methodKind === "client_streaming" || methodKind === "bidi_streaming";
  if (streamsRequests || !isByteStream(body)) return request;
  const timeoutMs = Math.min(times.bodyTimeoutMs, deadlineMs ?? times.bodyTimeoutMs);
  return { ...request, body: withDeadline(body, timeoutMs, request.signal, log) };
}

/** The deadline a call has in the end, in milliseconds; undefined for none, or one that nobody can read. */
function boundDeadline(header: Headers, isUnary: boolean, maxTimeoutMs: number): number | undefined {
  const isGrpc = header.get("content-type")?.startsWith("application/grpc") === true;
  const [name, unit, parse] = isGrpc
    ? ([grpc.headerTimeout, "m", grpc.parseTimeout] as const)
    : ([connect.headerTimeout, "", connect.parseTimeout] as const);
  if (isUnary && !header.has(name)) header.set(name, `${maxTimeoutMs}${unit}`);
  const { timeoutMs } = parse(header.get(name), Number.MAX_SAFE_INTEGER);
  if (timeoutMs === undefined || timeoutMs <= maxTimeoutMs) return timeoutMs;
  // Connect refuses what is above the maximum, but sets a timer for it first, and Node's timers overflow at 24 days.
  if (isUnary) header.set(name, `${maxTimeoutMs + 1}${unit}`);
  // A stream may live longer: its caller keeps the time, and it ends when that goes away.
  else header.delete(name);
  return timeoutMs;
}

/** Anything but a body that was read already. */
export function isByteStream(body: UniversalServerRequest["body"]): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}
