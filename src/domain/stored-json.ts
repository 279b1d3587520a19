import { named, quoted } from "./json-text.ts";

/**
 * The text form in which domain values are stored. Plain JSON cannot hold what the domain is made of: maps keyed
 * by user ids (an object would reorder "10" and "2" and lose "__proto__") and number columns. Both are tagged; callers'
 * own keys that begin as tags do get one more `$`, so that nobody's JSON is mistaken for a tag. Equal values built in the
 * same order give equal text.
 *
 * Written and read by hand: a replacer makes `JSON.stringify` twice, a reviver makes `JSON.parse` six times as slow.
 */

const MAP = "$map";
const F64 = "$f64";
const U32 = "$u32";
const DOLLAR = "$";

/** @param value objects, arrays, maps, numbers (finite), texts, booleans, null; undefined properties are left out. */
export function toStored(value: object): string {
  return objectText(value);
}

/** Undefined for what JSON has no text for. */
function textOf(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
      return quoted(value);
    case "number":
      return Number.isFinite(value) ? String(value) : "null";
    case "boolean":
      return String(value);
    case "object":
      return value === null ? "null" : objectText(value);
    default:
      return undefined;
  }
}

function objectText(value: object): string {
  if (Array.isArray(value)) return listText(value);
  if (value instanceof Map) return `{"${MAP}":${listText([...value])}}`;
  if (value instanceof Float64Array) return `{"${F64}":${listText(value)}}`;
  if (value instanceof Uint32Array) return `{"${U32}":[${value.join()}]}`;
  return recordText(value as Readonly<Record<string, unknown>>);
}

function listText(items: ArrayLike<unknown>): string {
  let text = "";
  for (let i = 0; i < items.length; i++) text += `${i === 0 ? "" : ","}${textOf(items[i]) ?? "null"}`;
  return `[${text}]`;
}

function recordText(record: Readonly<Record<string, unknown>>): string {
  let text = "";
  for (const key of Object.keys(record)) {
    const inner = textOf(record[key]);
    if (inner === undefined) continue;
    const name = key.startsWith(DOLLAR) ? DOLLAR + key : key;
    text += `${text === "" ? "" : ","}${named(name)}${inner}`;
  }
  return `{${text}}`;
}

/** Reads what `toStored` wrote for a value of type T. */
export function fromStored<T>(text: string): T {
  return untagged(JSON.parse(text)) as T;
}

/** Changes what was just parsed in place, as far as it can. */
function untagged(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = untagged(value[i]);
    return value;
  }
  if (MAP in value) return new Map(untagged(value[MAP]) as [unknown, unknown][]);
  if (F64 in value) return Float64Array.from(value[F64] as number[]);
  if (U32 in value) return Uint32Array.from(value[U32] as number[]);
  return untaggedRecord(value as Record<string, unknown>);
}

function untaggedRecord(record: Record<string, unknown>): unknown {
  let isEscaped = false;
  for (const key of Object.keys(record)) {
    isEscaped ||= key.startsWith(DOLLAR);
    const value = record[key];
    // The property exists, so this sets it even where it is called "__proto__".
    if (typeof value === "object" && value !== null) record[key] = untagged(value);
  }
  return isEscaped ? withOwnKeys(record) : record;
}

function withOwnKeys(record: Readonly<Record<string, unknown>>): unknown {
  const own = (key: string) => (key.startsWith(DOLLAR) ? key.slice(DOLLAR.length) : key);
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [own(key), value]));
}
