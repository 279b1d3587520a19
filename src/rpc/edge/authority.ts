import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";

/** `host`, `host:port`, `[IPv6]` or `[IPv6]:port`, in the characters that such names have. */
const WELL_FORMED = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(?::\d{1,5})?$/;

/**
 * Whether the `:authority` or Host of a request can be made into a URL. Connect's request reader tries so without
 * asking, outside of any handler: one request with `a:99999999` or `[::1` there would end the process.
 */
export function hasUsableAuthority(request: IncomingMessage | Http2ServerRequest): boolean {
  const authority = "authority" in request ? request.authority : request.headers.host;
  return typeof authority === "string" && WELL_FORMED.test(authority) && URL.canParse(`http://${authority}`);
}
