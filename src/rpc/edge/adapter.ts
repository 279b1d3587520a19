import { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { type ConnectRouter, createConnectRouter, createContextValues } from "@connectrpc/connect";
import type {
  UniversalHandler,
  UniversalServerRequest,
  UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { Logger } from "pino";
import type { FastOptions } from "../fast/fast-options.ts";
import { createFastUnary, type FastHandler } from "../fast/fast-unary.ts";
import { createFastStream } from "../fast/stream.ts";
import { peerKey } from "../peer.ts";
import { peerOf } from "../security/read-peer.ts";
import { BULK_DECODERS } from "../wire/bulk-decoders.ts";
import { READ } from "../wire/read-bulk-request.ts";
import { authorityFault } from "./authority.ts";
import { boundTimes, isByteStream } from "./call-times.ts";
import { boundedCompressions } from "./compression.ts";
import { countedBody } from "./counted-body.ts";
import { type EdgeLimits, isUnseen } from "./limits.ts";
import { type EdgeRequest, type EdgeResponse, type RefusalKind, refuse } from "./refusal.ts";
import { repeats } from "./repeated-header.ts";

type RouterOptions = NonNullable<Parameters<typeof createConnectRouter>[0]> &
  Omit<FastOptions, "acceptCompression" | "bodyTimeoutMs" | "decoders" | "log" | "readMaxBytes">;

/** What the adapter needs: Connect's own options, the routes and the limits it looks after itself. */
export interface AdapterOptions {
  readonly routes: (router: ConnectRouter) => unknown;
  readonly router: RouterOptions;
  readonly limits: Pick<EdgeLimits, "maxMessageBytes" | "maxUnseenBytes" | "maxTimeoutMs" | "bodyTimeoutMs">;
  /** Whether the server answers under this name (without port, lower case); without it, under any. */
  readonly acceptsHost?: ((host: string) => boolean) | undefined;
  readonly log: Logger;
}

/** HTTP statuses with which Connect declines a request without saying anything. */
const SILENT_REFUSALS = new Map<number, RefusalKind>([
  [405, "http-method"],
  [415, "content-type"],
  [505, "http-version"],
]);

/**
 * Joins Node's HTTP servers to Connect's handlers, as `connectNodeAdapter` does, with what that leaves open: nothing
 * a request holds can throw out of here, every refusal says why, bodies have a deadline, and failures go to our log.
 */
export function createAdapter(
  options: AdapterOptions,
): (request: EdgeRequest, response: EdgeResponse) => void {
  const { limits, log } = options;
  const { bodyTimeoutMs, maxMessageBytes } = limits;
  const router = { ...options.router, binaryOptions: READ, readMaxBytes: maxMessageBytes };
  const unseen = { ...router, readMaxBytes: Math.min(limits.maxUnseenBytes, maxMessageBytes) };
  const fastOptions = { ...router, ...FAST_DEFAULTS, bodyTimeoutMs, log };
  const unary = createFastUnary(fastOptions);
  const streams = createFastStream({ ...fastOptions, readMaxBytes: unseen.readMaxBytes });
  // Connect knows one limit per handler, so what is read under another limit has handlers of its own.
  const seenHandlers = handlersByPath(options.routes, router, (given) => unary.record(streams.record(given)));
  const unseenHandlers = handlersByPath(options.routes, unseen);
  const handlerFor = (path: string, { headers }: EdgeRequest) => {
    const handler = (isUnseen(headers) ? unseenHandlers : seenHandlers).get(path);
    return handler?.method.methodKind === "unary" ? handler : unseenHandlers.get(path);
  };
  return (request, response) => {
    // A stream that was reset in the same breath it was opened is handed to us all the same, but never says again
    // that it is closed: a call begun for it would wait for its body until the deadline.
    if (isGone(request)) return;
    const unwelcome = unwelcomeFor(request, options);
    if (unwelcome !== undefined) {
      refuse(unwelcome, request, response, log);
      return;
    }
    const path = request.url?.split("?", 1)[0] ?? "";
    const handler = handlerFor(path, request);
    if (handler === undefined) {
      refuse("unknown-method", request, response, log);
      return;
    }
    const fast = overHttp2(unary.handlers.get(path) ?? streams.handlers.get(path), request, response);
    (fast ?? answer(handler, request, response, options)).catch((error: unknown) => {
      // Almost always a peer that went away while we wrote.
      log.debug({ err: error, rpc: handler.requestPath }, "the answer could not be written");
      if (isGone(request)) return;
      if (!response.headersSent) refuse("internal", request, response, log);
      else response.destroy(error instanceof Error ? error : undefined);
    });
  };
}

/** Why a request is not even looked at; undefined for one that is. */
function unwelcomeFor(request: EdgeRequest, { acceptsHost }: AdapterOptions): RefusalKind | undefined {
  if (repeats(request, "host")) return "authority";
  return (
    authorityFault(request, acceptsHost) ??
    (repeats(request, "authorization") ? "repeated-credentials" : undefined)
  );
}

/** Nobody is there to be told anything. */
function isGone(request: EdgeRequest): boolean {
  return request instanceof Http2ServerRequest
    ? request.stream.destroyed || request.stream.closed
    : request.socket.destroyed;
}

const ACCEPT_COMPRESSION = boundedCompressions();
const FAST_DEFAULTS = { acceptCompression: ACCEPT_COMPRESSION, decoders: BULK_DECODERS };

/** Undefined when the ordinary handler shall answer. */
function overHttp2(
  handler: FastHandler | undefined,
  request: EdgeRequest,
  response: EdgeResponse,
): Promise<void> | undefined {
  const isHttp2 = request instanceof Http2ServerRequest && response instanceof Http2ServerResponse;
  return isHttp2 ? handler?.(request, response) : undefined;
}

function handlersByPath(
  routes: AdapterOptions["routes"],
  options: Parameters<typeof createConnectRouter>[0],
  record = (router: ConnectRouter) => router,
): ReadonlyMap<string, UniversalHandler> {
  const router = createConnectRouter({ acceptCompression: ACCEPT_COMPRESSION, ...options });
  routes(record(router));
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}

async function answer(
  handler: UniversalHandler,
  request: EdgeRequest,
  response: EdgeResponse,
  options: AdapterOptions,
): Promise<void> {
  const values = createContextValues().set(peerKey, peerOf(request));
  const universal = universalRequestFromNodeRequest(request, response, undefined, values);
  const timed = boundTimes(handler, universal, options.limits, options.log);
  const result = await handler(counted(handler, timed, request, options));
  const silent = SILENT_REFUSALS.get(result.status);
  if (silent !== undefined && !hasBody(result)) refuse(silent, request, response, options.log);
  else await universalResponseToNodeResponse(result, response);
}

/** What nobody has looked into yet, and is not kept short for that reason, is looked into here. */
function counted(
  { method }: UniversalHandler,
  universal: UniversalServerRequest,
  { headers }: EdgeRequest,
  { limits, log }: AdapterOptions,
): UniversalServerRequest {
  const { body } = universal;
  if (method.methodKind !== "unary" || isUnseen(headers) || !isByteStream(body)) return universal;
  const isEnveloped = headers["content-type"]?.startsWith("application/grpc") === true;
  const options = { input: method.input, isEnveloped, maxBytes: limits.maxMessageBytes, log };
  return { ...universal, body: countedBody(body, options) };
}

function hasBody(response: UniversalServerResponse): boolean {
  return response.body !== undefined;
}
