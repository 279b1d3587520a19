/**
 * The text form in which domain values are stored. Plain JSON cannot hold what the domain is made of: maps keyed
 * by user ids (an object would reorder "10" and "2" and lose "__proto__") and number columns. Both are tagged.
 * Equal values built in the same order give equal text.
 */

const MAP = "$map";
const F64 = "$f64";
const U32 = "$u32";

function tag(_key: string, value: unknown): unknown {
  if (value instanceof Map) return { [MAP]: [...value] };
  if (value instanceof Float64Array) return { [F64]: [...value] };
  if (value instanceof Uint32Array) return { [U32]: [...value] };
  return value;
}

function untag(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (MAP in value) return new Map(value[MAP] as [unknown, unknown][]);
  if (F64 in value) return Float64Array.from(value[F64] as number[]);
  if (U32 in value) return Uint32Array.from(value[U32] as number[]);
  return value;
}

/** @param value objects, arrays, maps, numbers (finite), texts, booleans, null; undefined properties are left out. */
export function toStored(value: object): string {
  return JSON.stringify(value, tag);
}

/** Reads what `toStored` wrote for a value of type T. */
export function fromStored<T>(text: string): T {
  return JSON.parse(text, untag);
}
