/** Connections over fetch: browsers, workers, and wherever else fetch exists. */
import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { createClients, type WorldserviceClients } from "./clients.ts";
import type { RetryOptions } from "./retry.ts";
import { bearer } from "./token.ts";

export interface WebOptions {
  /** Default `grpc-web`. */
  readonly protocol?: "grpc-web" | "connect";
  /** Sent as `Authorization: Bearer …`. */
  readonly token?: string;
  /** Deadline of unary calls in milliseconds that are given none. Default 30,000. */
  readonly timeoutMs?: number;
  readonly retry?: RetryOptions;
}

export interface WebConnection {
  readonly transport: Transport;
  readonly clients: WorldserviceClients;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * @param baseUrl where the service answers. It sends no CORS headers: serve the page from the same origin, through a
 *   proxy of yours if need be.
 */
export function connectWeb(baseUrl: string, options: WebOptions = {}): WebConnection {
  const { protocol = "grpc-web", token, timeoutMs = DEFAULT_TIMEOUT_MS, retry } = options;
  const createTransport = protocol === "connect" ? createConnectTransport : createGrpcWebTransport;
  const transport = createTransport({
    baseUrl: baseUrl.replace(/\/$/, ""),
    defaultTimeoutMs: timeoutMs,
    useBinaryFormat: true,
    interceptors: token === undefined ? [] : [bearer(token)],
  });
  return { transport, clients: createClients(transport, retry) };
}
