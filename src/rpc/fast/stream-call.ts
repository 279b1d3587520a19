import type { Http2ServerRequest } from "node:http2";
import type { DescMethodServerStreaming } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ContextValues,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import { contentTypeProto } from "@connectrpc/connect/protocol-grpc";
import { peerKey } from "../peer.ts";
import { peerOf } from "../security/read-peer.ts";
import type { RunningCalls } from "./call.ts";
import { toWebHeaders } from "./node-headers.ts";

/** The reason of calls that are simply over. */
const OVER = new DOMException("This operation was aborted", "AbortError");

/**
 * What handlers see of a server-streaming call. A class with plain fields, where a unary call has getters and closures
 * of its own: streams are many and live long, and what every interceptor looks at need not be lazy.
 */
export class StreamCall implements HandlerContext {
  readonly method: DescMethodServerStreaming;
  readonly service: HandlerContext["service"];
  readonly requestMethod = "POST";
  readonly protocolName = "grpc";
  readonly url: string;
  readonly signal: AbortSignal;
  readonly values: ContextValues;
  readonly requestHeader: Headers;
  readonly responseHeader = new Headers({ "content-type": contentTypeProto });
  readonly responseTrailer = new Headers({ "grpc-status": "0" });
  private readonly controller = new AbortController();
  private readonly running: RunningCalls;
  private readonly deadline: number | undefined;
  private readonly timer: NodeJS.Timeout | undefined;

  constructor(
    method: DescMethodServerStreaming,
    request: Http2ServerRequest,
    timeoutMs: number | undefined,
    running: RunningCalls,
  ) {
    this.method = method;
    this.service = method.parent;
    this.url = `${request.scheme}://${request.authority}${request.url}`;
    this.signal = this.controller.signal;
    this.values = createContextValues().set(peerKey, peerOf(request));
    this.requestHeader = toWebHeaders(request.headers);
    this.running = running;
    running.aborts.add(this.stop);
    if (running.shutdownSignal?.aborted === true) this.stop(running.shutdownSignal.reason);
    if (timeoutMs === undefined) return;
    this.deadline = Date.now() + timeoutMs;
    const expire = () => this.stop(new ConnectError("the operation timed out", Code.DeadlineExceeded));
    this.timer = setTimeout(expire, timeoutMs);
  }

  timeoutMs(): number | undefined {
    return this.deadline === undefined ? undefined : this.deadline - Date.now();
  }

  /** Ends the call for everyone who listens to its signal. Only the first reason counts. */
  abort(reason?: unknown): void {
    this.stop(reason);
  }

  private readonly stop = (reason: unknown = OVER): void => {
    clearTimeout(this.timer);
    this.running.aborts.delete(this.stop);
    if (!this.signal.aborted) this.controller.abort(reason);
  };
}
