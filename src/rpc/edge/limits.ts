import type { IncomingHttpHeaders } from "node:http";

/** What one caller may ask of the edge. The stack below has next to no limits of its own: each stands here. */
export interface EdgeLimits {
  /** Largest message read or written, in bytes, after decompression. */
  readonly maxMessageBytes: number;
  /**
   * The same for what is decoded without a look at what it holds: JSON, what comes compressed in gRPC-Web and Connect,
   * and the requests of streams, which need little.
   */
  readonly maxUnseenBytes: number;
  /** Longest deadline a caller may set, and the one of unary calls that set none, in milliseconds. */
  readonly maxTimeoutMs: number;
  /** How long the request of a call without client streaming may take to arrive, in milliseconds. */
  readonly bodyTimeoutMs: number;
  /** How long a connection may take to say what it speaks (TLS handshake, first bytes, HTTP/1.1 headers), in ms. */
  readonly handshakeTimeoutMs: number;
  /** How long an HTTP/1.1 connection may stay idle between requests, in milliseconds. */
  readonly keepAliveTimeoutMs: number;
  /** How often an HTTP/2 peer is asked whether it is still there, and how long it may take to answer, in ms. */
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  /** All headers of one request together, in bytes. */
  readonly maxHeaderBytes: number;
  /** Headers of one request. */
  readonly maxHeaders: number;
  /** Open connections, and open calls on one HTTP/2 connection. */
  readonly maxConnections: number;
  readonly maxStreamsPerConnection: number;
}

/** The limits of a server whose settings say nothing else. */
export const DEFAULT_LIMITS: EdgeLimits = {
  maxMessageBytes: 64 * 1024 * 1024,
  // JSON is parsed in one go, and a byte of it costs up to a hundred times as much as one of binary bulk data: 64 MiB of
  // nothing but `{}` kept every other caller waiting for more than a minute.
  maxUnseenBytes: 4 * 1024 * 1024,
  maxTimeoutMs: 60_000,
  bodyTimeoutMs: 60_000,
  handshakeTimeoutMs: 10_000,
  keepAliveTimeoutMs: 60_000,
  pingIntervalMs: 30_000,
  pingTimeoutMs: 10_000,
  maxHeaderBytes: 16 * 1024,
  maxHeaders: 64,
  maxConnections: 10_000,
  maxStreamsPerConnection: 100,
};

type ReadLimits = Pick<EdgeLimits, "maxMessageBytes" | "maxUnseenBytes">;

/** The most that may be read of a message with these headers, in bytes, after decompression. */
export function readLimit(headers: IncomingHttpHeaders, limits: ReadLimits): number {
  const { maxMessageBytes, maxUnseenBytes } = limits;
  return isUnseen(headers) ? Math.min(maxUnseenBytes, maxMessageBytes) : maxMessageBytes;
}

const ENCODINGS = ["content-encoding", "grpc-encoding", "connect-content-encoding"] as const;

/** Decoded without a look at what it holds. */
export function isUnseen(headers: IncomingHttpHeaders): boolean {
  return (
    isJson(headers["content-type"]) || ENCODINGS.some((name) => (headers[name] ?? "identity") !== "identity")
  );
}

/** In whatever protocol: what is not quite a name of JSON is read as nothing else either. */
export function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && /json/i.test(contentType);
}
