import { named, quoted } from "./json-text.ts";
import { compareUtf8 } from "./text.ts";

/**
 * The one text of a value: keys sorted by their UTF-8 bytes, no spaces, numbers in the shortest form that reads back
 * the same (as ECMAScript prints them, −0 as 0), undefined properties left out. Maps count as objects. What is hashed
 * is this text.
 *
 * @throws RangeError for a number that is not finite.
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case "string":
      return quoted(value);
    case "number":
      return numberText(value);
    case "object":
      return value === null ? "null" : composite(value);
    default:
      return JSON.stringify(value);
  }
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`${value} has no canonical form`);
  return String(value);
}

function composite(value: object): string {
  if (value instanceof Map) return record([...value.keys()], (key) => value.get(key));
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const fields = value as Readonly<Record<string, unknown>>;
  return record(Object.keys(fields), (key) => fields[key]);
}

function record(keys: string[], fieldOf: (key: string) => unknown): string {
  let text = "";
  for (const key of keys.sort(compareUtf8)) {
    const value = fieldOf(key);
    if (value !== undefined) text += `${text === "" ? "" : ","}${named(key)}${canonicalJson(value)}`;
  }
  return `{${text}}`;
}
