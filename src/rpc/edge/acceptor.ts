import net, { type Server, type Socket } from "node:net";
import tls from "node:tls";
import type { Logger } from "pino";
import type { EdgeLimits } from "./limits.ts";

/** Certificate and key in PEM; with `clientCa`, only callers with a certificate of that authority get in. */
export interface EdgeTls {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly clientCa?: string | Buffer;
}

/** Who takes the connections, by what they speak. */
export interface AcceptorOptions {
  readonly onHttp1: (socket: Socket) => void;
  readonly onHttp2: (socket: Socket) => void;
  readonly limits: EdgeLimits;
  readonly log: Logger;
  readonly tls?: EdgeTls | undefined;
}

/** The listening server and every connection it holds. */
export interface Acceptor {
  readonly server: Server;
  readonly sockets: ReadonlySet<Socket>;
  /** Another certificate for connections from now on; a port that speaks cleartext has none to change. */
  useCertificate(certificate: EdgeTls): void;
  /** Stops listening and drops connections that have not said anything yet; resolves when all are closed. */
  close(): Promise<void>;
}

/** Four bytes are enough: no HTTP/1.1 method begins so, and HTTP/2 itself checks the rest of its preface. */
const PREFACE_START = Buffer.from("PRI ");

/**
 * One port for HTTP/1.1 and HTTP/2: cleartext connections are told apart by their first bytes, TLS ones by ALPN
 * (without ALPN, by their first bytes too).
 */
export function createAcceptor(options: AcceptorOptions): Acceptor {
  const { limits, log } = options;
  const sockets = new Set<Socket>();
  const silent = new Set<Socket>();
  const server =
    options.tls === undefined
      ? net.createServer({ noDelay: true }, (socket) => sniff(socket, options, silent))
      : tls.createServer(tlsOptions(options.tls, limits), (socket) => byAlpn(socket, options, silent));
  server.maxConnections = limits.maxConnections;
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // Kept for the whole life of the connection: a reset between two owners would otherwise end the process.
    socket.on("error", (error) => log.debug({ err: error }, "connection error"));
  });
  server.on("error", (error) => log.error({ err: error }, "listening failed"));
  server.on("tlsClientError", (error) => log.debug({ err: error }, "TLS handshake failed"));
  return {
    server,
    sockets,
    useCertificate(certificate) {
      if (server instanceof tls.Server) server.setSecureContext(tlsOptions(certificate, limits));
    },
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of silent) socket.destroy();
      return closed;
    },
  };
}

function tlsOptions(given: EdgeTls, limits: EdgeLimits): tls.TlsOptions {
  return {
    cert: given.cert,
    key: given.key,
    ...(given.clientCa === undefined
      ? {}
      : { ca: given.clientCa, requestCert: true, rejectUnauthorized: true }),
    minVersion: "TLSv1.2",
    ciphers:
      "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE+AESGCM:ECDHE+CHACHA20",
    ALPNProtocols: ["h2", "http/1.1"],
    handshakeTimeout: limits.handshakeTimeoutMs,
    noDelay: true,
  };
}

function byAlpn(socket: tls.TLSSocket, options: AcceptorOptions, silent: Set<Socket>): void {
  socket.on("error", (error) => options.log.debug({ err: error }, "TLS connection error"));
  if (socket.alpnProtocol === "h2") options.onHttp2(socket);
  else if (socket.alpnProtocol === "http/1.1") options.onHttp1(socket);
  else sniff(socket, options, silent);
}

/** Waits for the first bytes, puts them back and passes the connection on; drops it when they don't come in time. */
function sniff(socket: Socket, { onHttp1, onHttp2, limits }: AcceptorOptions, silent: Set<Socket>): void {
  silent.add(socket);
  const timer = setTimeout(() => socket.destroy(), limits.handshakeTimeoutMs);
  let seen = Buffer.alloc(0);
  const onReadable = () => {
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
      seen = Buffer.concat([seen, chunk]);
    }
    const isHttp2 = startsAlike(seen);
    if (seen.length === 0 || (isHttp2 && seen.length < PREFACE_START.length)) return;
    stop();
    socket.unshift(seen);
    (isHttp2 ? onHttp2 : onHttp1)(socket);
  };
  const stop = () => {
    silent.delete(socket);
    clearTimeout(timer);
    socket.off("readable", onReadable);
    socket.off("end", onEnd);
    socket.off("close", stop);
  };
  const onEnd = () => socket.destroy();
  socket.on("readable", onReadable);
  socket.once("end", onEnd);
  socket.once("close", stop);
}

function startsAlike(seen: Buffer): boolean {
  const length = Math.min(seen.length, PREFACE_START.length);
  return seen.subarray(0, length).equals(PREFACE_START.subarray(0, length));
}
