import type { FieldViolation } from "../errors.ts";

/** The most violations one refusal lists: they travel in response trailers, which have little room. */
export const MAX_VIOLATIONS = 20;
/** Ids: this many code points at most. */
export const MAX_ID_LENGTH = 128;
const SHOWN_ID_LENGTH = 64;

/** Collects violations; past the most that are listed it only counts. */
export interface Violations {
  readonly listed: FieldViolation[];
  total: number;
  /** A path that takes a search is given as a function: it is asked for only where it is listed. */
  readonly add: (field: string | (() => string), description: string) => void;
}

export function collectViolations(): Violations {
  const listed: FieldViolation[] = [];
  const found: Violations = {
    listed,
    total: 0,
    add: (field, description) => {
      found.total++;
      if (listed.length >= MAX_VIOLATIONS) return;
      listed.push({ field: typeof field === "string" ? field : field(), description });
    },
  };
  return found;
}

/** `a.b`, or `b` where there is no prefix. */
export function joinPath(prefix: string, name: string): string {
  return prefix === "" ? name : `${prefix}.${name}`;
}

/** `field["key"]`, with keys of absurd length cut short. */
export function keyed(field: string, key: string): string {
  const shown = key.length > SHOWN_ID_LENGTH ? `${key.slice(0, SHOWN_ID_LENGTH)}…` : key;
  return `${field}[${JSON.stringify(shown)}]`;
}

const PLAIN_ID = /^[\x20-\x7e]{1,128}$/;
const CONTROL = /\p{Cc}/u;

/** What is wrong with an id: 1..128 code points, NFC, no control characters. `undefined` = nothing. */
export function idProblem(id: string): string | undefined {
  if (PLAIN_ID.test(id)) return undefined;
  if (id === "") return "must not be empty";
  if (id.length > 2 * MAX_ID_LENGTH || [...id].length > MAX_ID_LENGTH) {
    return `must have at most ${MAX_ID_LENGTH} characters`;
  }
  if (CONTROL.test(id)) return "must not contain control characters";
  if (!id.isWellFormed()) return "must be well-formed Unicode";
  return id === id.normalize("NFC") ? undefined : "must be in Unicode normal form C";
}

/** Finite and at least 0. */
export function isAmount(value: number): boolean {
  return value >= 0 && value < Infinity;
}

/** A share, 0..1. */
export function isRatio(value: number): boolean {
  return value >= 0 && value <= 1;
}
