import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";

/** Request headers as handlers and interceptors see them; HTTP/2's own (`:path` …) are left out. */
export function toWebHeaders(headers: IncomingHttpHeaders): Headers {
  const web = new Headers();
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || name.startsWith(":")) continue;
    if (typeof value === "string") web.append(name, value);
    else for (const one of value) web.append(name, one);
  }
  return web;
}

/** Response headers or trailers as Node sends them. Only `set-cookie` occurs more than once. */
export function toNodeHeaders(headers: Headers): OutgoingHttpHeaders {
  const node: OutgoingHttpHeaders = Object.create(null);
  headers.forEach((value, name) => {
    const earlier = node[name];
    if (earlier === undefined) node[name] = value;
    else node[name] = [...[earlier].flat().map(String), value];
  });
  return node;
}
