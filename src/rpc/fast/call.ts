import type { Http2ServerRequest, OutgoingHttpHeaders } from "node:http2";
import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextValues, type HandlerContext } from "@connectrpc/connect";
import { contentTypeProto } from "@connectrpc/connect/protocol-grpc";
import { peerKey } from "../peer.ts";
import { peerOf } from "../security/read-peer.ts";
import { toNodeHeaders, toWebHeaders } from "./node-headers.ts";

/** One call under way: what handlers see of it, and what only the house does. */
export interface Call {
  readonly context: CallContext;
  /** Ends the call for everyone who listens to its signal. Only the first reason counts. */
  abort(reason?: unknown): void;
  /** What is to be sent; cheap where nobody asked for the headers of `context`. */
  responseHeaders(): OutgoingHttpHeaders;
  responseTrailers(): OutgoingHttpHeaders;
}

/**
 * The context as Connect's own handlers make it: with an `abort` that they call with an error right before they write
 * it out. A request gate may replace it to be told.
 */
export type CallContext = HandlerContext & { abort(reason?: unknown): void };

/** What a call starts with. */
export interface CallInit {
  readonly method: DescMethod;
  readonly request: Http2ServerRequest;
  readonly timeoutMs: number | undefined;
  /** Name of the compression of the answer. */
  readonly responseEncoding: string | undefined;
  readonly running: RunningCalls;
}

/** The abort functions of all running calls: one listener on the server's signal serves them all. */
export interface RunningCalls {
  readonly aborts: Set<(reason: unknown) => void>;
  readonly shutdownSignal: AbortSignal | undefined;
}

export function createRunningCalls(shutdownSignal: AbortSignal | undefined): RunningCalls {
  const aborts = new Set<(reason: unknown) => void>();
  shutdownSignal?.addEventListener("abort", () => {
    for (const abort of aborts) abort(shutdownSignal.reason);
  });
  return { aborts, shutdownSignal };
}

/** The reason of calls that are simply over: making one, with its stack, for every call would cost a tenth of it. */
const OVER = new DOMException("This operation was aborted", "AbortError");

const PLAIN_HEADERS: OutgoingHttpHeaders = { "content-type": contentTypeProto };
const PLAIN_TRAILERS: OutgoingHttpHeaders = { "grpc-status": "0" };

/**
 * Starts a call. The parts of its context that cost something to make (`Headers`, the URL) are made when somebody
 * first looks at them.
 */
export function openCall({ method, request, timeoutMs, responseEncoding, running }: CallInit): Call {
  const controller = new AbortController();
  const parts = lazyParts(request, responseEncoding);
  const deadline = timeoutMs === undefined ? undefined : Date.now() + timeoutMs;
  let timer: NodeJS.Timeout | undefined;
  const abort = (reason: unknown = OVER) => {
    clearTimeout(timer);
    running.aborts.delete(abort);
    if (!controller.signal.aborted) controller.abort(reason);
  };
  const context: CallContext = {
    abort,
    method,
    service: method.parent,
    requestMethod: "POST",
    protocolName: "grpc",
    signal: controller.signal,
    values: createContextValues().set(peerKey, peerOf(request)),
    timeoutMs: () => (deadline === undefined ? undefined : deadline - Date.now()),
    get requestHeader() {
      return parts.requestHeader();
    },
    get responseHeader() {
      return parts.responseHeader();
    },
    get responseTrailer() {
      return parts.responseTrailer();
    },
    get url() {
      return parts.url();
    },
  };
  running.aborts.add(abort);
  if (running.shutdownSignal?.aborted === true) abort(running.shutdownSignal.reason);
  const expire = () => abort(new ConnectError("the operation timed out", Code.DeadlineExceeded));
  if (timeoutMs !== undefined && timeoutMs <= 0) expire();
  else if (timeoutMs !== undefined) timer = setTimeout(expire, timeoutMs);
  return { context, abort, responseHeaders: parts.sentHeaders, responseTrailers: parts.sentTrailers };
}

function lazyParts(request: Http2ServerRequest, responseEncoding: string | undefined) {
  let requestHeader: Headers | undefined;
  let responseHeader: Headers | undefined;
  let responseTrailer: Headers | undefined;
  const makeResponseHeader = () => {
    const header = new Headers({ "content-type": contentTypeProto });
    if (responseEncoding !== undefined) header.set("grpc-encoding", responseEncoding);
    return header;
  };
  const getResponseHeader = () => {
    responseHeader ??= makeResponseHeader();
    return responseHeader;
  };
  return {
    requestHeader: () => {
      requestHeader ??= toWebHeaders(request.headers);
      return requestHeader;
    },
    responseHeader: getResponseHeader,
    responseTrailer: () => {
      responseTrailer ??= new Headers({ "grpc-status": "0" });
      return responseTrailer;
    },
    url: () => new URL(request.url, `${request.scheme}://${request.authority}`).toString(),
    sentHeaders: () =>
      responseHeader === undefined && responseEncoding === undefined
        ? PLAIN_HEADERS
        : toNodeHeaders(getResponseHeader()),
    sentTrailers: () => (responseTrailer === undefined ? PLAIN_TRAILERS : toNodeHeaders(responseTrailer)),
  };
}
