import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { Code, ConnectError, type ConnectRouter, createServiceImplSpec } from "@connectrpc/connect";
import {
  type Compression,
  compressedFlag,
  compressionNegotiate,
  createMethodUrl,
  envelopeDecompress,
} from "@connectrpc/connect/protocol";
import { parseTimeout, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { completeConnectError } from "../errors.ts";
import { type Call, createRunningCalls, openCall, type RunningCalls } from "./call.ts";
import { createFastMethod, type FastMethod } from "./fast-method.ts";
import type { FastOptions } from "./fast-options.ts";
import { readEnvelope, type UnaryEnvelope } from "./read-envelope.ts";
import { resetError } from "./reset-error.ts";

/**
 * Answers a request it takes on; the promise fails where the answer cannot be written. Undefined leaves the request,
 * untouched, to the ordinary handler.
 */
export type FastHandler = (
  request: Http2ServerRequest,
  response: Http2ServerResponse,
) => Promise<void> | undefined;

/** Handlers of unary gRPC calls that need no router of Connect's. */
export interface FastUnary {
  /** The same router; what is registered through it is served here as well. */
  record(router: ConnectRouter): ConnectRouter;
  /** By request path. */
  readonly handlers: ReadonlyMap<string, FastHandler>;
}

/**
 * Serves unary calls of binary gRPC over HTTP/2 without Connect's chain of async iterables, with the same
 * implementations, interceptors, limits and answers. Everything else is left to Connect's own handlers.
 */
export function createFastUnary(options: FastOptions): FastUnary {
  const running = createRunningCalls(options.shutdownSignal);
  const handlers = new Map<string, FastHandler>();
  return {
    handlers,
    record(router) {
      return {
        handlers: router.handlers,
        service(service, implementation, own) {
          router.service(service, implementation, own);
          // Options of its own would have to be merged as Connect does: such a service stays ordinary.
          if (own !== undefined) return this;
          for (const spec of Object.values(createServiceImplSpec(service, implementation).methods)) {
            if (spec.kind !== "unary") continue;
            const method = createFastMethod(spec.method, spec.impl, options);
            handlers.set(createMethodUrl("/", spec.method), handlerOf(method, options, running));
          }
          return this;
        },
        rpc(method, implementation, own) {
          router.rpc(method, implementation, own);
          return this;
        },
      };
    },
  };
}

const COMPRESS_MIN_BYTES = 1024;
const BINARY_GRPC = /^application\/grpc(?:\+proto)?$/i;

function handlerOf(method: FastMethod, options: FastOptions, running: RunningCalls): FastHandler {
  return (request, response) => {
    const contentType = request.headers["content-type"];
    if (request.method !== "POST" || contentType === undefined || !BINARY_GRPC.test(contentType)) {
      return undefined;
    }
    return serve({ method, options, running, request, response });
  };
}

interface Exchange {
  readonly method: FastMethod;
  readonly options: FastOptions;
  readonly running: RunningCalls;
  readonly request: Http2ServerRequest;
  readonly response: Http2ServerResponse;
}

type Negotiated = ReturnType<typeof compressionNegotiate>;
type Timeout = ReturnType<typeof parseTimeout>;

async function serve(exchange: Exchange): Promise<void> {
  const { method, options, running, request, response } = exchange;
  const compression = negotiate(request, options.acceptCompression);
  const timeout = boundTimeout(header(request, "grpc-timeout"), options.maxTimeoutMs);
  const call = openCall({
    method: method.method,
    request,
    timeoutMs: timeout.timeoutMs,
    responseEncoding: compression.response?.name,
    running,
  });
  const { stream } = request;
  const onClose = () => call.abort(resetError(stream.rstCode));
  stream.once("close", onClose);
  const answer = await settle(exchange, call, compression, timeout);
  if (stream.destroyed || stream.closed) return;
  response.writeHead(200, call.responseHeaders());
  response.addTrailers(call.responseTrailers());
  if (answer === undefined) response.end();
  else response.end(answer);
  // The rest of a body nobody wants must not hold up its connection.
  if (!stream.readableEnded) stream.resume();
}

/** The framed answer; undefined after an error, which then stands in the trailers. */
async function settle(
  { method, options, request }: Exchange,
  call: Call,
  compression: Negotiated,
  timeout: Timeout,
): Promise<Uint8Array | undefined> {
  const { context } = call;
  const { requestGate, readMaxBytes, compressMinBytes = COMPRESS_MIN_BYTES } = options;
  try {
    await requestGate?.(context);
    const refused = compression.error ?? timeout.error;
    if (refused !== undefined) throw refused;
    const body = await readEnvelope(request.stream, readMaxBytes, ...arrivalTime(options, timeout));
    const message = method.parse(await contentOf(body, compression.request, readMaxBytes));
    if (body.afterwards !== undefined) throw body.afterwards;
    const answer = await method.invoke(context, message);
    const framed = await frame(method.serialize(answer), compression.response, compressMinBytes);
    context.abort();
    return framed;
  } catch (error) {
    // First this: the gate may complete the error with details.
    context.abort(error);
    setTrailerStatus(context.responseTrailer, asConnectError(error));
    return undefined;
  }
}

function asConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  return new ConnectError("internal error", Code.Internal, undefined, undefined, error);
}

function contentOf(
  { envelope }: UnaryEnvelope,
  compression: Compression | null,
  readMaxBytes: number,
): Uint8Array | Promise<Uint8Array> {
  if ((envelope.flags & compressedFlag) === 0) return envelope.data;
  return envelopeDecompress(envelope, compression, readMaxBytes).then(({ data }) => data);
}

async function frame(
  data: Uint8Array,
  compression: Compression | null,
  minBytes: number,
): Promise<Uint8Array> {
  if (compression === null || data.byteLength < minBytes) return framed(0, data);
  return framed(compressedFlag, await compression.compress(data));
}

function framed(flags: number, data: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(5 + data.byteLength);
  bytes[0] = flags;
  bytes.writeUInt32BE(data.byteLength, 1);
  bytes.set(data, 5);
  return bytes;
}

/** How long the body may take, and what is said when it takes longer. */
function arrivalTime(
  { bodyTimeoutMs, log }: FastOptions,
  { timeoutMs }: Timeout,
): [number, () => ConnectError] {
  const ms = Math.min(bodyTimeoutMs, timeoutMs ?? bodyTimeoutMs);
  const late = () =>
    completeConnectError(
      new ConnectError(`the request did not arrive within ${ms} ms`, Code.DeadlineExceeded),
      { log },
    );
  return [ms, late];
}

function negotiate(request: Http2ServerRequest, available: Compression[]): Negotiated {
  return compressionNegotiate(
    available,
    header(request, "grpc-encoding"),
    header(request, "grpc-accept-encoding"),
    "Grpc-Accept-Encoding",
  );
}

/** The deadline that was sent, else the longest there is. What is above that is refused by Connect's own rule. */
function boundTimeout(sent: string | null, maxTimeoutMs: number): Timeout {
  const timeout = parseTimeout(sent ?? `${maxTimeoutMs}m`, Number.MAX_SAFE_INTEGER);
  const isLong = timeout.timeoutMs !== undefined && timeout.timeoutMs > maxTimeoutMs;
  // Node's timers overflow at 24 days, and one is set even for a call that is refused.
  return isLong ? parseTimeout(`${maxTimeoutMs + 1}m`, maxTimeoutMs) : timeout;
}

function header(request: Http2ServerRequest, name: string): string | null {
  const value = request.headers[name];
  return value === undefined ? null : [value].flat().join(", ");
}
