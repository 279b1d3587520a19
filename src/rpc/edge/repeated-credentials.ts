import type { EdgeRequest } from "./refusal.ts";

const NAME = "authorization";

/**
 * Whether a request shows credentials twice. Node would take the first and drop the others, a proxy before us may have
 * looked at the last: nobody can say for whom such a request speaks.
 */
export function repeatsCredentials({ rawHeaders }: EdgeRequest): boolean {
  let seen = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === NAME.length && name.toLowerCase() === NAME) seen += 1;
  }
  return seen > 1;
}
