import type { EdgeRequest } from "./refusal.ts";

/** What a request may say once only. */
export type SingleHeader = "authorization" | "host";

/**
 * Whether a request says twice who calls, or whom. Node would take the first and drop the others, a proxy before us may
 * have looked at the last: nobody can say what such a request means (for Host: RFC 9112, 3.2).
 *
 * @param name in lower case.
 */
export function repeats({ rawHeaders }: EdgeRequest, name: SingleHeader): boolean {
  let seen = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const given = rawHeaders[i];
    if (given?.length === name.length && given.toLowerCase() === name) seen += 1;
  }
  return seen > 1;
}
