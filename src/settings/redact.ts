import type { Definition } from "./definitions.ts";

const HIDDEN = "***";
/** Longest piece of a refused value that an error repeats, in characters. */
const SHOWN = 80;

/** A value as it came from its source, as text for an error message, without what must stay secret. */
export function redact(raw: unknown, secret: Definition["secret"]): string {
  if (secret === "whole") return HIDDEN;
  if (typeof raw !== "string") return plainText(raw);
  return quote(secret === "credentials" ? withoutCredentials(raw) : raw);
}

/** Everything between `//` and the last `@`: a password that was not percent-encoded may hold either sign. */
function withoutCredentials(text: string): string {
  return text.includes("@") ? text.replace(/^([^:]*:?\/*).*@/s, `$1${HIDDEN}@`) : text;
}

function plainText(raw: unknown): string {
  if (raw instanceof Map) return "a record";
  if (Array.isArray(raw)) return `a list of ${raw.length}`;
  return String(raw);
}

/** JSON quoting keeps control characters out of the terminal. */
function quote(text: string): string {
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
}
