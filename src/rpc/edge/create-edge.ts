import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";
import { toConnectError } from "../errors.ts";
import { mapErrors } from "../interceptors/map-errors.ts";
import { type OnCallEnd, requestLog } from "../interceptors/request-log.ts";
import { validateRequests } from "../interceptors/validate-request.ts";
import { createAcceptor, type EdgeTls } from "./acceptor.ts";
import { createAdapter } from "./adapter.ts";
import { type CallGate, callGate, draining } from "./call-gate.ts";
import { createHttp1Server, createHttp2Front, handOver, type Screen } from "./http-servers.ts";
import { DEFAULT_LIMITS, type EdgeLimits } from "./limits.ts";
import { sayGoodbye } from "./say-goodbye.ts";

/** All plain values: the edge knows no settings. */
export interface EdgeOptions {
  readonly routes: (router: ConnectRouter) => unknown;
  readonly log: Logger;
  /** Run inside of request log and error mapping, outside of validation; the first one is the outermost. */
  readonly interceptors?: readonly Interceptor[];
  /** Run outside of everything: they see the errors that callers get. */
  readonly outermost?: readonly Interceptor[];
  /** Told of every call that ends, also of those that never came as far as the interceptors. */
  readonly onCallEnd?: OnCallEnd;
  /** Whether the server answers under this name (without port, lower case); without it, under any. */
  readonly acceptsHost?: (host: string) => boolean;
  /** Asked before a call's body is read: the place for authentication. */
  readonly gate?: CallGate;
  /** Asked for every HTTP/2 stream before the gate, and before anything is made of it. */
  readonly screen?: Screen;
  /** What differs from `DEFAULT_LIMITS`. */
  readonly limits?: Partial<EdgeLimits>;
  /** Without it the port speaks cleartext. */
  readonly tls?: EdgeTls;
}

/** The one port on which everything is served. */
export interface Edge {
  /** Port 0 takes a free one; the answer says which. */
  listen(host: string, port: number): Promise<{ address: string; port: number }>;
  /** Another certificate for connections from now on; only for an edge that was made with one. */
  useCertificate(certificate: EdgeTls): void;
  /** From now on new calls are refused with UNAVAILABLE `DRAINING`, health checks excepted; running ones go on. */
  drain(): void;
  /**
   * Drains, ends open streams with UNAVAILABLE `DRAINING` through the signal of their context, sends GOAWAY, waits
   * for what still runs and drops what is left after `graceMs` milliseconds. Calling it again joins the first call.
   */
  close(graceMs: number): Promise<void>;
}

/** Builds the edge: gRPC, gRPC-Web and Connect over HTTP/1.1 and HTTP/2, cleartext or TLS, on one port. */
export function createEdge(options: EdgeOptions): Edge {
  const { log } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const shutdown = new AbortController();
  let isDraining = false;
  let closing: Promise<void> | undefined;

  const handler = createAdapter({
    routes: options.routes,
    limits,
    acceptsHost: options.acceptsHost,
    log,
    router: {
      writeMaxBytes: limits.maxMessageBytes,
      maxTimeoutMs: limits.maxTimeoutMs,
      shutdownSignal: shutdown.signal,
      requestGate: callGate({
        log,
        isDraining: () => isDraining,
        gate: options.gate,
        onCallEnd: options.onCallEnd,
      }),
      interceptors: [
        ...(options.outermost ?? []),
        requestLog(log, options.onCallEnd),
        mapErrors(log),
        ...(options.interceptors ?? []),
        validateRequests(),
      ],
    },
  });
  const serverOptions = { handler, limits, log, isDraining: () => isDraining, screen: options.screen };
  const http1 = createHttp1Server(serverOptions);
  const http2 = createHttp2Front(serverOptions);
  const acceptor = createAcceptor({
    onHttp1: (socket) => handOver(http1, socket),
    onHttp2: (socket) => handOver(http2.server, socket),
    limits,
    log,
    tls: options.tls,
  });

  async function shutDown(graceMs: number): Promise<void> {
    isDraining = true;
    shutdown.abort(toConnectError(draining(), { log }));
    const allClosed = acceptor.close();
    for (const session of http2.sessions) sayGoodbye(session); // open calls may finish
    http1.close(); // drops idle connections and stops the timers
    const timer = setTimeout(() => {
      for (const session of http2.sessions) session.destroy();
      for (const socket of acceptor.sockets) socket.destroy();
    }, graceMs);
    await allClosed;
    http2.stop();
    clearTimeout(timer);
  }

  return {
    async listen(host, port) {
      const { server } = acceptor;
      server.listen({ host, port });
      await once(server, "listening");
      const { address, port: actual } = server.address() as AddressInfo;
      return { address, port: actual };
    },
    useCertificate: acceptor.useCertificate,
    drain() {
      isDraining = true;
    },
    close(graceMs) {
      closing ??= shutDown(graceMs);
      return closing;
    },
  };
}
