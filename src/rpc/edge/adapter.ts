import { type ConnectRouter, createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import type { Logger } from "pino";
import { hasUsableAuthority } from "./authority.ts";
import { boundTimes, type CallTimes } from "./call-times.ts";
import { type EdgeRequest, type EdgeResponse, type RefusalKind, refuse } from "./refusal.ts";

type RouterOptions = NonNullable<Parameters<typeof createConnectRouter>[0]>;

/** What the adapter needs: Connect's own options, the routes and the two times it looks after itself. */
export interface AdapterOptions {
  readonly routes: (router: ConnectRouter) => unknown;
  readonly router: RouterOptions;
  readonly times: CallTimes;
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
  const result = await handler(boundTimes(handler, universal, options.times, options.log));
  const silent = SILENT_REFUSALS.get(result.status);
  if (silent !== undefined && !hasBody(result)) refuse(silent, request, response, options.log);
  else await universalResponseToNodeResponse(result, response);
}

function hasBody(response: UniversalServerResponse): boolean {
  return response.body !== undefined;
}
