import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { DomainError } from "../../domain/errors.ts";
import { type ErrorLog, toConnectError } from "../errors.ts";

export type EdgeRequest = IncomingMessage | Http2ServerRequest;
export type EdgeResponse = ServerResponse | Http2ServerResponse;

/** Requests that never become a call: no handler has seen them. */
export type RefusalKind =
  | "authority"
  | "foreign-host"
  | "repeated-credentials"
  | "unknown-method"
  | "http-method"
  | "content-type"
  | "http-version"
  | "internal";

interface RefusalAnswer {
  readonly status: number;
  readonly error: () => unknown;
}

const ANSWERS: Record<RefusalKind, RefusalAnswer> = {
  authority: {
    status: 400,
    error: () => wrongHeader(":authority", "the request names no valid host, or several"),
  },
  "foreign-host": {
    status: 403,
    error: () =>
      new DomainError(
        "PERMISSION_DENIED",
        "this server asks for no credentials and so answers only under the names of its own machine, such as localhost",
      ),
  },
  "repeated-credentials": {
    status: 400,
    error: () => wrongHeader("authorization", "the request has more than one"),
  },
  "unknown-method": { status: 404, error: () => unimplemented("this server has no such method") },
  "http-method": { status: 405, error: () => unimplemented("this method is called with POST") },
  "content-type": {
    status: 415,
    error: () =>
      wrongHeader(
        "content-type",
        "expected application/grpc, application/grpc-web, application/json or application/proto",
      ),
  },
  "http-version": { status: 505, error: () => unimplemented("streaming in both directions needs HTTP/2") },
  internal: { status: 500, error: () => new Error("the adapter failed") },
};

/**
 * Answers a request that cannot become a call: to gRPC callers with status and details in headers alone, as gRPC does,
 * to everyone else with the HTTP status and the error as Connect's JSON. An HTTP/1.1 connection is closed after it,
 * because nobody has read the body.
 */
export function refuse(kind: RefusalKind, request: EdgeRequest, response: EdgeResponse, log: ErrorLog): void {
  if (response.headersSent) {
    response.end();
    return;
  }
  const { status, error } = ANSWERS[kind];
  const answer = toConnectError(error(), { log });
  const grpc = grpcContentType(request);
  if (grpc !== undefined) {
    const headers = setTrailerStatus(new Headers({ "content-type": grpc }), answer);
    send(response, 200, Object.fromEntries(headers));
  } else {
    const close = request.httpVersionMajor < 2 ? { connection: "close" } : {};
    send(
      response,
      status,
      { "content-type": "application/json", ...close },
      errorToJsonBytes(answer, undefined),
    );
  }
}

function send(
  response: EdgeResponse,
  status: number,
  headers: Record<string, string>,
  body?: Uint8Array,
): void {
  // Header by header: writeHead has no overload that serves both kinds of response.
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (body === undefined) response.end();
  else response.end(body);
}

function grpcContentType(request: EdgeRequest): string | undefined {
  return /^application\/grpc(?:-web)?(?:\+proto|\+json)?(?=;|$)/.exec(
    request.headers["content-type"] ?? "",
  )?.[0];
}

function wrongHeader(field: string, description: string): DomainError {
  return new DomainError("INVALID_FIELD", `${field}: ${description}`, {
    violations: [{ field, description }],
  });
}

function unimplemented(message: string): ConnectError {
  return new ConnectError(message, Code.Unimplemented);
}
