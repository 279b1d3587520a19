import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { DescMethodServerStreaming, Message } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createServiceImplSpec,
  type MethodImpl,
} from "@connectrpc/connect";
import { createMethodSerializationLookup, createMethodUrl } from "@connectrpc/connect/protocol";
import { parseTimeout, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { ControlBusService as ControlBusServiceV1 } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { ControlBusService as ControlBusServiceV2 } from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { completeConnectError } from "../errors.ts";
import { frameCarrierKey } from "../feed/deliver.ts";
import { frameOf } from "../feed/wire.ts";
import { createRunningCalls, type RunningCalls } from "./call.ts";
import type { FastOptions } from "./fast-options.ts";
import type { FastHandler } from "./fast-unary.ts";
import { toNodeHeaders } from "./node-headers.ts";
import { readEnvelope } from "./read-envelope.ts";
import { StreamCall } from "./stream-call.ts";
import { invokeStream } from "./stream-invoke.ts";
import { StreamWriter } from "./stream-writer.ts";

/** A server-streaming method, ready to be called. */
interface StreamMethod {
  readonly method: DescMethodServerStreaming;
  readonly impl: MethodImpl<DescMethodServerStreaming>;
  readonly parse: (bytes: Uint8Array) => Message;
  readonly serialize: (message: Message) => Uint8Array;
}

interface Exchange {
  readonly method: StreamMethod;
  readonly options: FastOptions;
  readonly running: RunningCalls;
  readonly request: Http2ServerRequest;
  readonly response: Http2ServerResponse;
}

/** Handlers of server-streaming gRPC calls that write frames as they are. */
export interface FastStream {
  /** The same router; what is registered through it is served here as well. */
  record(router: ConnectRouter): ConnectRouter;
  /** By request path. */
  readonly handlers: ReadonlyMap<string, FastHandler>;
}

/** The services whose streams hand frames over. */
const SERVICES = new Set([ControlBusServiceV1.typeName, ControlBusServiceV2.typeName]);
const BINARY_GRPC = /^application\/grpc(?:\+proto)?$/i;
/** How long a subscriber that was told to go may leave the news unread, in milliseconds. */
const LAST_WORD_MS = 30_000;

/**
 * Serves server-streaming calls of binary gRPC over HTTP/2 without Connect's chain of async iterables: an idle call
 * then costs a third of the memory, and frames that many callers get are written as they are. Implementations,
 * interceptors, limits and answers are the same; every other protocol is left to Connect's own handlers.
 */
export function createFastStream(options: FastOptions): FastStream {
  const running = createRunningCalls(options.shutdownSignal);
  const handlers = new Map<string, FastHandler>();
  return {
    handlers,
    record(router) {
      return {
        handlers: router.handlers,
        service(service, implementation, own) {
          router.service(service, implementation, own);
          if (own !== undefined || !SERVICES.has(service.typeName)) return this;
          for (const spec of Object.values(createServiceImplSpec(service, implementation).methods)) {
            if (spec.kind !== "server_streaming") continue;
            const handler = handlerOf(streamMethod(spec.method, spec.impl, options), options, running);
            handlers.set(createMethodUrl("/", spec.method), handler);
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

function streamMethod(
  method: DescMethodServerStreaming,
  impl: MethodImpl<DescMethodServerStreaming>,
  { readMaxBytes, writeMaxBytes }: FastOptions,
): StreamMethod {
  const lookup = createMethodSerializationLookup(method, undefined, undefined, {
    readMaxBytes,
    writeMaxBytes,
  });
  return { method, impl, parse: lookup.getI(true).parse, serialize: lookup.getO(true).serialize };
}

function handlerOf(method: StreamMethod, options: FastOptions, running: RunningCalls): FastHandler {
  return (request, response) => {
    const contentType = request.headers["content-type"];
    if (request.method !== "POST" || contentType === undefined || !BINARY_GRPC.test(contentType))
      return undefined;
    // A compressed request is rare for a message of a few bytes: Connect's own handler knows how.
    const encoding = request.headers["grpc-encoding"];
    if (encoding !== undefined && encoding !== "identity") return undefined;
    return serve({ method, options, running, request, response });
  };
}

async function serve(exchange: Exchange): Promise<void> {
  const { method, options, running, request, response } = exchange;
  const timeout = boundTimeout(header(request, "grpc-timeout"), options.maxTimeoutMs);
  const call = new StreamCall(method.method, request, timeout.timeoutMs, running);
  const { stream } = request;
  const writer = new StreamWriter(stream, call);
  try {
    await options.requestGate?.(call);
    if (timeout.error !== undefined) throw timeout.error;
    const message = await readRequest(exchange, timeout.timeoutMs);
    await writeAnswer(exchange, call, message, writer);
    call.abort();
  } catch (error) {
    // First this: the gate may complete the error with details.
    call.abort(error);
    setTrailerStatus(call.responseTrailer, asConnectError(error));
  }
  if (stream.destroyed || stream.closed) return;
  writer.sendHeaders();
  response.addTrailers(toNodeHeaders(call.responseTrailer));
  response.end();
  if (!stream.readableEnded) stream.resume();
  dropUnread(exchange);
}

async function readRequest({ method, options, request }: Exchange, timeoutMs: number | undefined) {
  const ms = Math.min(options.bodyTimeoutMs, timeoutMs ?? options.bodyTimeoutMs);
  if (request.stream.closed) throw new ConnectError("the caller went away", Code.Canceled);
  const late = () =>
    completeConnectError(
      new ConnectError(`the request did not arrive within ${ms} ms`, Code.DeadlineExceeded),
      options,
    );
  const body = await readEnvelope(request.stream, options.readMaxBytes, ms, late);
  const message = method.parse(body.envelope.data);
  if (body.afterwards !== undefined) throw body.afterwards;
  return message;
}

/** Messages that the implementation yields are written one by one; the frames it hands over, as they are. */
async function writeAnswer(
  { method, options }: Exchange,
  context: StreamCall,
  message: Message,
  writer: StreamWriter,
): Promise<void> {
  context.values.set(frameCarrierKey, writer);
  const answer = await invokeStream(method.method, method.impl, options.interceptors, context, message);
  for await (const each of answer) await writer.write(frameOf(method.serialize(each)));
}

/**
 * The deadline that was sent. The longest there is holds for unary calls: a stream that is to live longer has none here,
 * and ends when its caller, who keeps the time, goes away. (Node's timers would overflow at 24 days.)
 */
function boundTimeout(sent: string | null, maxTimeoutMs: number): ReturnType<typeof parseTimeout> {
  const timeout = parseTimeout(sent, Number.MAX_SAFE_INTEGER);
  const isLong = timeout.timeoutMs !== undefined && timeout.timeoutMs > maxTimeoutMs;
  return isLong ? {} : timeout;
}

/** The status stands behind what was written before: a peer that never reads it does not keep its stream for ever. */
function dropUnread({ request }: Exchange): void {
  const { stream } = request;
  if (stream.closed || stream.writableFinished) return;
  const timer = setTimeout(() => stream.close(ENHANCE_YOUR_CALM), LAST_WORD_MS);
  timer.unref();
  stream.once("close", () => clearTimeout(timer));
}

/** HTTP/2's error code for a peer that asks too much; gRPC clients read RESOURCE_EXHAUSTED. */
const ENHANCE_YOUR_CALM = 11;

function asConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  return new ConnectError("internal error", Code.Internal, undefined, undefined, error);
}

function header(request: Http2ServerRequest, name: string): string | null {
  const value = request.headers[name];
  return value === undefined ? null : [value].flat().join(", ");
}
