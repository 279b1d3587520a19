import type { UniversalHandlerOptions } from "@connectrpc/connect/protocol";
import type { ErrorLog } from "../errors.ts";
import type { RequestDecoder } from "../wire/bulk-decoders.ts";

/**
 * What the fast handlers need: the options of Connect's router, with its defaults filled in
 * (`validateUniversalHandlerOptions`), and what they look after themselves. `maxTimeoutMs` is also the deadline of
 * unary calls that set none.
 */
export interface FastOptions extends Omit<UniversalHandlerOptions, "requireConnectProtocolHeader"> {
  /** How long a request may take to arrive, in milliseconds. */
  readonly bodyTimeoutMs: number;
  /** Decoders of requests that protobuf-es shall not decode, by full name of the message. */
  readonly decoders: ReadonlyMap<string, RequestDecoder>;
  readonly log: ErrorLog;
}
