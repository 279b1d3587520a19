import type { UniversalHandlerOptions } from "@connectrpc/connect/protocol";
import type { ErrorLog } from "../errors.ts";
import type { RequestDecoder } from "../wire/bulk-decoders.ts";

/**
 * What the fast handlers need: the options of Connect's router, which must be given the same values, and what they
 * look after themselves. `maxTimeoutMs` is also the deadline of
 * unary calls that set none.
 */
export interface FastOptions
  extends Omit<UniversalHandlerOptions, "requireConnectProtocolHeader" | "compressMinBytes"> {
  /** Smallest answer that is compressed for callers who accept it, in bytes; Connect's default is ours. */
  readonly compressMinBytes?: number;
  /** How long a request may take to arrive, in milliseconds. */
  readonly bodyTimeoutMs: number;
  /** Decoders of requests that protobuf-es shall not decode, by full name of the message. */
  readonly decoders: ReadonlyMap<string, RequestDecoder>;
  readonly log: ErrorLog;
}
