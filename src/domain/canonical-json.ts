import { compareUtf8 } from "./text.ts";

/**
 * The one text of a value: keys sorted by their UTF-8 bytes, no spaces, numbers in the shortest form that reads back
 * the same (as ECMAScript prints them, −0 as 0), undefined properties left out. Maps count as objects. What is hashed
 * is this text.
 *
 * @throws RangeError for a number that is not finite.
 */
export function canonicalJson(value: unknown): string {
  if (value instanceof Map) return object([...value]);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) return object(Object.entries(value));
  if (typeof value === "number" && !Number.isFinite(value))
    throw new RangeError(`${value} has no canonical form`);
  return JSON.stringify(value);
}

function object(entries: (readonly [string, unknown])[]): string {
  const known = entries.filter(([, value]) => value !== undefined).sort(([a], [b]) => compareUtf8(a, b));
  return `{${known.map(([key, value]) => `${JSON.stringify(key)}:${canonicalJson(value)}`).join(",")}}`;
}
