import {
  Code,
  ConnectError,
  type ContextValues,
  createContextKey,
  type Interceptor,
} from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import type { Logger } from "pino";
import { reasonOf, toConnectError } from "../errors.ts";
import { requestIdOf } from "./request-id.ts";
import { type AnyRequest, wrapStream } from "./wrap-stream.ts";

const seenKey = createContextKey(false, { description: "the request log has or will have this call" });

/** Whether the call came as far as the interceptors, so that its line is written there. */
export function isLogged(values: ContextValues): boolean {
  return values.get(seenKey);
}

/**
 * One line per call when it ends: request id, RPC, gRPC code and reason, duration in milliseconds. Never headers,
 * never message contents. Must stand outside of `mapErrors` to see the code the caller gets.
 */
export function requestLog(log: Logger, onEnd?: OnCallEnd): Interceptor {
  return (next) => async (request) => {
    request.contextValues.set(seenKey, true);
    const write = once(lineWriter(log, request, onEnd));
    try {
      const response = await next(request);
      if (!response.stream) write(undefined);
      return wrapStream(response, (messages) => logged(messages, request.signal, log, write));
    } catch (error) {
      write(error);
      throw error;
    }
  };
}

/** The line of a call: also used by the gate for calls that end before any interceptor runs. */
export function logCall(log: Logger, call: CallFacts, error: unknown, onEnd?: OnCallEnd): void {
  const elapsedMs = performance.now() - call.startedAt;
  const fields = {
    requestId: call.requestId,
    rpc: call.rpc,
    durationMs: Math.round(elapsedMs * 1000) / 1000,
  };
  const code = error === undefined ? "ok" : codeToString(ConnectError.from(error).code);
  onEnd?.(call.rpc, code, elapsedMs / 1000);
  if (error === undefined) {
    log[isProbe(call.rpc) ? "debug" : "info"]({ ...fields, code: "ok" }, "call");
    return;
  }
  const failure = ConnectError.from(error);
  const level = isOurFault(failure.code) ? "error" : "info";
  log[level](
    {
      ...fields,
      code,
      reason: reasonOf(failure),
      detail: printable(failure.rawMessage),
    },
    "call",
  );
}

/** Told of every call that ends: its full RPC name, its code (`ok` included) and how long it took, in seconds. */
export type OnCallEnd = (rpc: string, code: string, seconds: number) => void;

/** What the log says of a call beside its outcome; `startedAt` in milliseconds of `performance.now()`. */
export interface CallFacts {
  readonly requestId: string;
  readonly rpc: string;
  readonly startedAt: number;
}

/** Text from outside, safe for terminals and line-based tools: control, line and direction characters are escaped. */
export function printable(text: string): string {
  const escaped = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return escaped.slice(0, 500);
}

function lineWriter(log: Logger, request: AnyRequest, onEnd?: OnCallEnd): (error: unknown) => void {
  const call = {
    requestId: requestIdOf(request.contextValues, request.header),
    rpc: `${request.service.typeName}/${request.method.name}`,
    startedAt: performance.now(),
  };
  return (error) => logCall(log, call, error, onEnd);
}

/**
 * Writes the line when the stream ends. A stream whose peer went away while a write was blocked never runs on, not
 * even into `finally`: its end is only told by the signal.
 */
async function* logged<T>(
  messages: AsyncIterable<T>,
  signal: AbortSignal,
  log: Logger,
  write: (error: unknown) => void,
): AsyncGenerator<T> {
  const onAbort = () => write(toConnectError(signal.reason, { log }));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    yield* messages;
    write(undefined);
  } catch (error) {
    write(error);
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function once(write: (error: unknown) => void): (error: unknown) => void {
  let written = false;
  return (error) => {
    if (!written) write(error);
    written = true;
  };
}

function isOurFault(code: Code): boolean {
  return code === Code.Internal || code === Code.Unknown || code === Code.DataLoss;
}

/** Probes come every few seconds for ever: at info they would be most of the log. */
function isProbe(rpc: string): boolean {
  return rpc.startsWith("grpc.health.v1.") || rpc.startsWith("grpc.reflection.");
}
