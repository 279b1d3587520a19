import http from "node:http";
import http2 from "node:http2";
import type { Socket } from "node:net";
import type { Logger } from "pino";
import { type EdgeLimits, readLimit } from "./limits.ts";
import type { EdgeRequest, EdgeResponse } from "./refusal.ts";
import { createRefusalPace } from "./refusal-pace.ts";
import { keepAlive } from "./session-keepalive.ts";

type Handler = (request: EdgeRequest, response: EdgeResponse) => void;

/** What both servers need to be built. */
export interface HttpServerOptions {
  readonly handler: Handler;
  readonly limits: EdgeLimits;
  readonly log: Logger;
  readonly isDraining: () => boolean;
  /** Asked for every HTTP/2 stream before anything is made of it. */
  readonly screen?: Screen | undefined;
}

/**
 * Looks at the headers of a stream that has just begun. Headers in return refuse it: they are sent as they are, as all
 * of the answer, and its body is never read. With many refusals the answer waits its turn.
 */
export type Screen = (headers: http2.IncomingHttpHeaders) => http2.OutgoingHttpHeaders | undefined;

/**
 * An HTTP/1.1 server that never listens: the acceptor hands it its connections. What cannot be parsed or comes too
 * late Node itself answers with 400, 408 or 431 and closes, as long as nobody listens for `clientError`.
 */
export function createHttp1Server({ handler, limits, isDraining }: HttpServerOptions): http.Server {
  const server = http.createServer(
    {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.handshakeTimeoutMs,
      requestTimeout: limits.bodyTimeoutMs + limits.handshakeTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(limits.handshakeTimeoutMs, 5000),
      insecureHTTPParser: false,
    },
    (request, response) => {
      const { socket } = request;
      if (isDraining() || contentLength(request) > readLimit(request.headers, limits)) {
        response.setHeader("connection", "close");
      }
      // A refused body stays unread in the connection: the next request behind it would wait for ever.
      response.once("finish", () => {
        if (!request.complete || isDraining()) socket.destroySoon();
      });
      handler(request, response);
    },
  );
  server.maxHeadersCount = limits.maxHeaders;
  // Node starts watching header and request times when a server begins to listen, which this one never does.
  server.emit("listening");
  return server;
}

/** An HTTP/2 server that never listens, and the sessions it has. */
export interface Http2Front {
  readonly server: http2.Http2Server;
  readonly sessions: ReadonlySet<http2.ServerHttp2Session>;
  /** Ends what watches the sessions. */
  stop(): void;
}

/** Flow control: what one call and one connection may have under way, in bytes; big requests need big windows. */
const STREAM_WINDOW_BYTES = 16 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 64 * 1024 * 1024;

/** At about 60 µs each, refusals take a sixteenth of a processor at most, and none waits for longer than a second and a half. */
const REFUSALS = { perSecond: 1_000, burst: 50, maxWaiting: 1_500 };

/** Who sends more than this to a call that waits for its refusal is told at once, and stops. */
const UNREAD_BYTES = 64 * 1024;

/** As `createHttp1Server`, for HTTP/2. Errors of sessions and sockets are the peers' business: logged at debug. */
export function createHttp2Front({ handler, limits, log, screen }: HttpServerOptions): Http2Front {
  const server = http2.createServer(
    {
      settings: {
        initialWindowSize: STREAM_WINDOW_BYTES,
        maxConcurrentStreams: limits.maxStreamsPerConnection,
        maxHeaderListSize: limits.maxHeaderBytes,
        enableConnectProtocol: false,
      },
      maxHeaderListPairs: limits.maxHeaders,
      maxOutstandingPings: 10,
      maxSettings: 32,
      // In MiB. Counts what is buffered for a session in both directions, so it must hold a full window and more.
      maxSessionMemory: 2 * (CONNECTION_WINDOW_BYTES >> 20),
      maxSessionInvalidFrames: 50,
      // Node counts a stream until all of it is tidied up, so a busy server rejects streams of callers who kept to
      // the limit. Those are lost; ending the whole connection over them would lose the calls that still run, too.
      maxSessionRejectedStreams: 10_000,
      strictFieldWhitespaceValidation: true,
    },
    handler,
  );
  if (screen !== undefined) screenStreams(server, screen);
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
  });
  const watch = keepAlive(sessions, limits);
  server.on("sessionError", (error) => log.debug({ err: error }, "HTTP/2 session error"));
  return { server, sessions, stop: watch.stop };
}

/**
 * Stands before Node's own listener, which makes a request and a response of every stream: for a stream that is refused
 * these would be most of what it costs.
 */
function screenStreams(server: http2.Http2Server, screen: Screen): void {
  const pace = createRefusalPace(REFUSALS);
  const others = server.listeners("stream");
  server.removeAllListeners("stream");
  server.on("stream", (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, ...rest) => {
    if (stream.destroyed || stream.closed) {
      // Reset in the same breath it was opened: an answer would throw, and out of here that would end the process, as
      // would the error of its session, which every stream passes on.
      stream.on("error", () => undefined);
      return;
    }
    const refusal = screen(headers);
    if (refusal === undefined) {
      for (const listener of others) listener.call(server, stream, headers, ...rest);
      return;
    }
    stream.on("error", () => undefined); // a peer that went away: nobody is there to be told
    const { hurry, drop } = pace.refuse(() => refuse(stream, refusal));
    if (stream.closed) return;
    let bytes = 0;
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > UNREAD_BYTES) hurry();
    });
    stream.once("close", drop);
  });
}

function refuse(stream: http2.ServerHttp2Stream, headers: http2.OutgoingHttpHeaders): void {
  if (stream.destroyed || stream.closed) return;
  stream.respond(headers, { endStream: true });
  // Tells the peer to send no more of the body (RFC 9113, 8.1); it has the whole answer.
  stream.close(http2.constants.NGHTTP2_NO_ERROR);
}

/** Gives an accepted connection to one of the servers. */
export function handOver(server: http.Server | http2.Http2Server, socket: Socket): void {
  server.emit("connection", socket);
}

function contentLength(request: http.IncomingMessage): number {
  return Number(request.headers["content-length"] ?? 0);
}
