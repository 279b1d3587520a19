/**
 * The kinds of value a setting can have. Each kind reads what a source holds (a YAML value, or the text of a
 * variable or flag), says what is allowed, and gives the value back in the form a user would write.
 */

/** Why a value was refused; `at` points inside a list or record (`[1].name`), empty for the value itself. */
export interface Fault {
  readonly at: string;
  readonly reason: string;
}

export type Reading<T> = { readonly value: T } | { readonly faults: readonly Fault[] };

/** What JSON output and tables show. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [name: string]: Plain };

export interface Kind<T> {
  readonly type: string;
  /** The allowed range or choices, for people. */
  readonly allowed: string;
  /** A boolean may stand as a bare flag. */
  readonly isSwitch?: true;
  read(raw: unknown): Reading<T>;
  plain(value: T): Plain;
}

export function refuse(reason: string, at = ""): { readonly faults: readonly Fault[] } {
  return { faults: [{ at, reason }] };
}

/** Longest text of any setting, in characters: a path or a URL with many nodes fits, a file does not. */
const MAX_TEXT = 4096;

/** Readable text of 1 to 4096 characters, or the reason why it is not. */
export function readText(raw: unknown): Reading<string> {
  if (typeof raw !== "string") return refuse("is not a text (write it in quotes)");
  if (raw === "") return refuse("is empty");
  if (raw.length > MAX_TEXT) return refuse(`is longer than ${MAX_TEXT} characters`);
  if (/\p{Cc}/u.test(raw)) return refuse("holds control characters");
  return { value: raw };
}

/** Text that `parse` turns into a value; `parse` gives a string to refuse it with that reason. */
export function parsed<T extends object>(
  type: string,
  allowed: string,
  parse: (text: string) => T | string,
  plain: (value: T) => Plain,
): Kind<T> {
  return {
    type,
    allowed,
    plain,
    read(raw) {
      const text = readText(raw);
      if ("faults" in text) return text;
      const value = parse(text.value);
      return typeof value === "string" ? refuse(value) : { value };
    },
  };
}

export function text(allowed: string, pattern?: RegExp): Kind<string> {
  return {
    type: "text",
    allowed,
    plain: (value) => value,
    read(raw) {
      const found = readText(raw);
      if ("faults" in found || pattern === undefined || pattern.test(found.value)) return found;
      return refuse("does not have the form of one");
    },
  };
}

export function toggle(): Kind<boolean> {
  return {
    type: "boolean",
    allowed: "true, false",
    isSwitch: true,
    plain: (value) => value,
    read(raw) {
      if (raw === true || raw === "true") return { value: true };
      if (raw === false || raw === "false") return { value: false };
      return refuse("is neither true nor false");
    },
  };
}

export function choice<const C extends string>(...choices: readonly C[]): Kind<C> {
  return {
    type: "choice",
    allowed: choices.join(", "),
    plain: (value) => value,
    read(raw) {
      const value = choices.find((name) => name === raw);
      return value === undefined ? refuse("is not one of the choices") : { value };
    },
  };
}

/** `none` (or a YAML null) clears the setting, whatever an earlier source said. */
export function optional<T>(kind: Kind<T>): Kind<T | undefined> {
  return {
    ...kind,
    allowed: `none, or ${kind.allowed}`,
    read: (raw) => (raw === "none" || raw === null ? { value: undefined } : kind.read(raw)),
    plain: (value) => (value === undefined ? "none" : kind.plain(value)),
  };
}
