import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";

/** `host`, `host:port`, `[IPv6]` or `[IPv6]:port`, in the characters that such names have. */
const WELL_FORMED = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(?::\d{1,5})?$/;

/**
 * What is wrong with the `:authority` or Host of a request.
 *
 * `authority`: it cannot be made into a URL. Connect's request reader tries so without asking, outside of any handler:
 * one request with `a:99999999` or `[::1` there would end the process. `foreign-host`: it names another server. A page
 * in a browser reaches a server of its machine under a name that its own DNS makes resolve to this address, and then
 * counts as of the same origin; its name is all that tells it from a caller who means us.
 *
 * @param acceptsHost without it every name will do.
 */
export function authorityFault(
  request: IncomingMessage | Http2ServerRequest,
  acceptsHost: ((host: string) => boolean) | undefined,
): "authority" | "foreign-host" | undefined {
  const authority = "authority" in request ? request.authority : request.headers.host;
  const isUsable =
    typeof authority === "string" && WELL_FORMED.test(authority) && URL.canParse(`http://${authority}`);
  if (!isUsable) return "authority";
  return acceptsHost === undefined || acceptsHost(hostOf(authority)) ? undefined : "foreign-host";
}

/** Without port and brackets, in lower case. */
function hostOf(authority: string): string {
  return authority
    .replace(/:\d+$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .toLowerCase();
}
