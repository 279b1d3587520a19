import type { FieldViolation } from "../errors.ts";
import type { JsonObject, JsonValue } from "../json.ts";

/** How much of a JSON value is read at all. */
export interface JsonLimits {
  readonly depth: number;
  /** Values of any kind, counted at every level. */
  readonly values: number;
  /** UTF-16 units of a key or text. */
  readonly textLength: number;
}

/** `a.b` for plain names, `a["x y"]` for names that callers choose. */
export function member(path: string, key: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

interface Waiting {
  readonly value: JsonValue;
  readonly depth: number;
}

function childrenOf(value: JsonValue): JsonValue[] {
  if (Array.isArray(value)) return value;
  return isObject(value) ? Object.values(value) : [];
}

function textsOf(value: JsonValue): string[] {
  if (typeof value === "string") return [value];
  return isObject(value) ? Object.keys(value) : [];
}

/**
 * What makes a JSON value too big to be read; `undefined` for one of a sane size. Walks with a list of its own, so that
 * deep nesting cannot exhaust the call stack.
 */
export function sizeProblem(root: JsonValue, limits: JsonLimits): string | undefined {
  const waiting: Waiting[] = [{ value: root, depth: 1 }];
  let seen = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, depth } = next;
    seen++;
    if (seen + waiting.length > limits.values) return `has more than ${limits.values} values`;
    if (depth > limits.depth) return `is nested deeper than ${limits.depth} levels`;
    if (textsOf(value).some((text) => text.length > limits.textLength)) {
      return `holds a text longer than ${limits.textLength} characters`;
    }
    for (const child of childrenOf(value)) waiting.push({ value: child, depth: depth + 1 });
  }
  return undefined;
}

/** Reads fields of JSON objects and collects what is wrong, so that a caller hears of everything at once. */
export interface JsonReader {
  readonly violations: readonly FieldViolation[];
  complain(field: string, description: string): void;
  /** An object whose keys are all known; `undefined` (with a complaint) for anything else. `null` counts as absent. */
  object(value: JsonValue | undefined, path: string, keys?: readonly string[]): JsonObject | undefined;
  /** A finite number; `undefined` where it is absent or (with a complaint) something else. */
  number(source: JsonObject, key: string, path: string): number | undefined;
  /** A text that is not blank, as `number`. */
  text(source: JsonObject, key: string, path: string): string | undefined;
}

export function jsonReader(): JsonReader {
  const violations: FieldViolation[] = [];
  const complain = (field: string, description: string): void => {
    violations.push({ field, description });
  };
  return {
    violations,
    complain,
    object(value, path, keys) {
      if (value === undefined || value === null) return undefined;
      if (!isObject(value)) {
        complain(path, "must be an object");
        return undefined;
      }
      for (const key of Object.keys(value)) {
        if (keys !== undefined && !keys.includes(key)) {
          complain(member(path, key), `is not known here; known are ${keys.join(", ")}`);
        }
      }
      return value;
    },
    number(source, key, path) {
      const value = Object.hasOwn(source, key) ? source[key] : undefined;
      if (value === undefined || value === null) return undefined;
      if (typeof value === "number" && Number.isFinite(value)) return value;
      complain(member(path, key), "must be a finite number");
      return undefined;
    },
    text(source, key, path) {
      const value = Object.hasOwn(source, key) ? source[key] : undefined;
      if (value === undefined || value === null) return undefined;
      if (typeof value === "string" && value.trim() !== "") return value;
      complain(member(path, key), "must be a text that is not empty");
      return undefined;
    },
  };
}
