/** Connections of Node.js programs: gRPC over HTTP/2, in cleartext or TLS. */
import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { createClients, type WorldserviceClients } from "./clients.ts";
import type { RetryOptions } from "./retry.ts";
import { bearer } from "./token.ts";

export interface NodeOptions {
  /** Sent as `Authorization: Bearer …`. */
  readonly token?: string;
  /** Allows sending a token in cleartext to another host than this machine. Default false. */
  readonly insecure?: boolean;
  /** PEM of the certificate authorities to trust instead of the system's; for https only. */
  readonly ca?: string | Uint8Array;
  /** PEM of the certificate to show, and of its private key; for https only, and only both of them. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** Deadline of unary calls in milliseconds that are given none. Default 30,000. */
  readonly timeoutMs?: number;
  readonly retry?: RetryOptions;
}

export interface NodeConnection {
  readonly transport: Transport;
  readonly clients: WorldserviceClients;
  /** Ends the connection, and with it every stream. */
  close(): void;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * @param server `host:port` (cleartext) or a URL with `http:` or `https:`.
 * @throws TypeError for anything else, and for a token that would travel in cleartext.
 */
export function connectNode(server: string, options: NodeOptions = {}): NodeConnection {
  const url = urlOf(server);
  const { token, timeoutMs = DEFAULT_TIMEOUT_MS, retry } = options;
  if (token !== undefined && url.protocol === "http:" && !LOOPBACK.test(url.hostname) && !options.insecure) {
    throw new TypeError(
      `a token would travel to ${url.host} in cleartext: use https, or allow it (insecure)`,
    );
  }
  const baseUrl = url.href.replace(/\/$/, "");
  const sessionManager = new GuardedSessions(baseUrl, undefined, secure(options));
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager,
    defaultTimeoutMs: timeoutMs,
    interceptors: token === undefined ? [] : [bearer(token)],
  });
  return { transport, clients: createClients(transport, retry), close: () => sessionManager.abort() };
}

/**
 * A session that breaks tells so a little later. Its manager, when it is closed in between, has taken its listeners away
 * by then, and an error that nobody listens for ends the program.
 */
class GuardedSessions extends Http2SessionManager {
  override async request(...args: Parameters<Http2SessionManager["request"]>) {
    const stream = await super.request(...args);
    const { session } = stream;
    if (session?.listeners("error").includes(ignore) === false) session.on("error", ignore);
    return stream;
  }
}

function ignore(): void {}

type Pem = string | Uint8Array | undefined;

/** Types of Node.js stay out of what callers see: programs without `@types/node` compile too. */
function secure({ ca, cert, key }: Pick<NodeOptions, "ca" | "cert" | "key">) {
  return { ...named("ca", ca), ...named("cert", cert), ...named("key", key) };
}

function named<Name extends string>(name: Name, pem: Pem): { readonly [_ in Name]?: string | Buffer } {
  if (pem === undefined) return {};
  const value = typeof pem === "string" ? pem : Buffer.from(pem);
  return { [name]: value } as { readonly [_ in Name]?: string | Buffer };
}

function urlOf(server: string): URL {
  if (!server.includes("://") && !/:\d+\/?$/.test(server)) {
    throw new TypeError(`the address of a server needs a port, as host:port: ${server}`);
  }
  const url = URL.parse(server.includes("://") ? server : `http://${server}`);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw new TypeError(`not the address of a server: ${server} (host:port, http://… or https://…)`);
  }
  return url;
}
