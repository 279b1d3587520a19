import { invalidFields } from "../domain/errors.ts";

const DEFAULT_PAGE_SIZE = 100;

/** Entries per page: what was asked for, else 100. */
export function pageSize(requested: number): number {
  return requested === 0 ? DEFAULT_PAGE_SIZE : requested;
}

/** A page token: opaque to callers, two numbers or texts to us. Undefined = the last page. */
export function toPageToken(position: readonly (string | number)[] | undefined): string {
  return position === undefined ? "" : Buffer.from(JSON.stringify(position)).toString("base64url");
}

/**
 * The position that `toPageToken` wrote, undefined for the first page.
 *
 * @param shape a sample of the position: as many values, of the same types.
 * @throws DomainError INVALID_FIELD for anything else.
 */
export function fromPageToken<const P extends readonly (string | number)[]>(
  token: string,
  shape: P,
): { [I in keyof P]: P[I] extends string ? string : number } | undefined {
  if (token === "") return undefined;
  const position = parse(token);
  const fits =
    Array.isArray(position) &&
    position.length === shape.length &&
    shape.every((sample, i) =>
      typeof sample === "number" ? isCount(position[i]) : typeof position[i] === "string",
    );
  if (!fits) throw invalidFields([{ field: "page_token", description: "is not a token of this list" }]);
  return position as { [I in keyof P]: P[I] extends string ? string : number };
}

/** What the stores number their documents with: anything else was made up. */
function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function parse(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
  } catch {
    return undefined; // malformed tokens are refused by the caller, in the same words as foreign ones
  }
}
