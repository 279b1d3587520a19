import { type ConnectRouter, createConnectRouter } from "@connectrpc/connect";
import type {
  UniversalHandler,
  UniversalServerRequest,
  UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import {
  headerTimeout as CONNECT_TIMEOUT,
  parseTimeout as parseConnectTimeout,
} from "@connectrpc/connect/protocol-connect";
import {
  headerTimeout as GRPC_TIMEOUT,
  parseTimeout as parseGrpcTimeout,
} from "@connectrpc/connect/protocol-grpc";
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import type { Logger } from "pino";
import { hasUsableAuthority } from "./authority.ts";
import { withDeadline } from "./body-deadline.ts";
import { type EdgeRequest, type EdgeResponse, type RefusalKind, refuse } from "./refusal.ts";

type RouterOptions = NonNullable<Parameters<typeof createConnectRouter>[0]>;

/** What the adapter needs: Connect's own options, the routes and the two times it looks after itself. */
export interface AdapterOptions {
  readonly routes: (router: ConnectRouter) => unknown;
  readonly router: RouterOptions;
  readonly bodyTimeoutMs: number;
  readonly maxTimeoutMs: number;
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
  const { log } = options;
  const handlers = handlersByPath(options);
  return (request, response) => {
    if (!hasUsableAuthority(request)) {
      refuse("authority", request, response, log);
      return;
    }
    const handler = handlers.get(request.url?.split("?", 1)[0] ?? "");
    if (handler === undefined) {
      refuse("unknown-method", request, response, log);
      return;
    }
    answer(handler, request, response, options).catch((error: unknown) => {
      // Almost always a peer that went away while we wrote.
      log.debug({ err: error, rpc: handler.requestPath }, "the answer could not be written");
      if (!response.headersSent) refuse("internal", request, response, log);
      else response.destroy(error instanceof Error ? error : undefined);
    });
  };
}

function handlersByPath({
  routes,
  router: routerOptions,
}: AdapterOptions): ReadonlyMap<string, UniversalHandler> {
  const router = createConnectRouter({
    acceptCompression: [compressionGzip, compressionBrotli],
    ...routerOptions,
  });
  routes(router);
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}

async function answer(
  handler: UniversalHandler,
  request: EdgeRequest,
  response: EdgeResponse,
  options: AdapterOptions,
): Promise<void> {
  const universal = universalRequestFromNodeRequest(request, response, undefined, undefined);
  const result = await handler(withTimes(handler, universal, options));
  const silent = SILENT_REFUSALS.get(result.status);
  if (silent !== undefined && !hasBody(result)) refuse(silent, request, response, options.log);
  else await universalResponseToNodeResponse(result, response);
}

/** Bounds the times of a call whose caller does not: its body's arrival, and for a unary call its whole length. */
function withTimes(
  handler: UniversalHandler,
  request: UniversalServerRequest,
  { bodyTimeoutMs, maxTimeoutMs, log }: AdapterOptions,
): UniversalServerRequest {
  const { methodKind } = handler.method;
  if (methodKind === "client_streaming" || methodKind === "bidi_streaming") return request;
  if (methodKind === "unary") setDefaultTimeout(request.header, maxTimeoutMs);
  const { body } = request;
  if (!isByteStream(body)) return request;
  const timeoutMs = Math.min(bodyTimeoutMs, callTimeoutMs(request.header) ?? bodyTimeoutMs);
  return { ...request, body: withDeadline(body, timeoutMs, log) };
}

function setDefaultTimeout(header: Headers, timeoutMs: number): void {
  const [name, value] = isGrpc(header)
    ? [GRPC_TIMEOUT, `${timeoutMs}m`]
    : [CONNECT_TIMEOUT, String(timeoutMs)];
  if (!header.has(name)) header.set(name, value);
}

/** What the caller's own deadline leaves, in milliseconds; undefined when it names none or one nobody can read. */
function callTimeoutMs(header: Headers): number | undefined {
  const max = Number.MAX_SAFE_INTEGER; // Connect itself refuses those above ours
  const { timeoutMs } = isGrpc(header)
    ? parseGrpcTimeout(header.get(GRPC_TIMEOUT), max)
    : parseConnectTimeout(header.get(CONNECT_TIMEOUT), max);
  return timeoutMs;
}

function isGrpc(header: Headers): boolean {
  return header.get("content-type")?.startsWith("application/grpc") === true;
}

function isByteStream(body: UniversalServerRequest["body"]): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}

function hasBody(response: UniversalServerResponse): boolean {
  return response.body !== undefined;
}
