import { randomUUID } from "node:crypto";
import { type ContextValues, createContextKey } from "@connectrpc/connect";

/** The header in which a caller may name its request, and in which every answer names it. */
export const REQUEST_ID_HEADER = "x-request-id";

const requestIdKey = createContextKey<string | undefined>(undefined, { description: "request id" });

/** What stands in every log line: so nothing but plain visible characters, and not many of them. */
const WELL_FORMED = /^[A-Za-z0-9._:-]{1,128}$/;

/**
 * The id of this call: what the caller sent when that is well-formed, else a fresh one. The first question settles
 * it for the whole call.
 */
export function requestIdOf(values: ContextValues, header: Headers): string {
  const known = values.get(requestIdKey);
  if (known !== undefined) return known;
  const sent = header.get(REQUEST_ID_HEADER);
  const id = sent !== null && WELL_FORMED.test(sent) ? sent : randomUUID();
  values.set(requestIdKey, id);
  return id;
}
