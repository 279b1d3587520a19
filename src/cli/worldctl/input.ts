/** What commands are given: files or standard input, as JSON, YAML or CSV, and `name=value` flags. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { InvalidArgumentError } from "commander";
import { parse as parseYaml } from "yaml";
import { looksLikeCsv, number, positionsFromCsv } from "./csv.ts";
import { type Io, UsageError } from "./io.ts";

/** What a file holds: a document, or nothing but positions. */
export type Input =
  | { readonly kind: "document"; readonly document: JsonObject }
  | { readonly kind: "positions"; readonly positions: readonly JsonValue[] };

/**
 * Reads a file, or standard input for `-`. The ending says what it is (.json, .yaml, .yml, .csv), else the content.
 *
 * @throws UsageError for what cannot be read or is neither a document nor a list of positions.
 */
export async function readInput(path: string, io: Io): Promise<Input> {
  const where = path === "-" ? "standard input" : path;
  const text = await readText(path, where, io);
  if (/\.csv$/i.test(path) || (!/\.(json|ya?ml)$/i.test(path) && looksLikeCsv(text))) {
    return { kind: "positions", positions: naming(where, () => positionsFromCsv(text)) };
  }
  const value = parseDocument(text, where);
  if (Array.isArray(value)) return { kind: "positions", positions: value };
  if (typeof value === "object" && value !== null) return { kind: "document", document: value };
  throw new UsageError(`${where} holds neither an object nor a list of positions`);
}

/** A mistake in what a file holds, with the name of the file. */
function naming<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`${where}: ${error.message}`) : error;
  }
}

/**
 * Reads a file, or standard input for `-`.
 *
 * @param where how messages call it.
 * @throws UsageError when it cannot be read.
 */
export async function readText(path: string, where: string, io: Io): Promise<string> {
  try {
    return path === "-" ? await io.readInput() : await io.readFile(path);
  } catch (error) {
    throw new UsageError(`cannot read ${where}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** JSON, or else YAML, of which JSON is a part. */
function parseDocument(text: string, where: string): JsonValue {
  try {
    if (/^\s*[{[]/.test(text)) return JSON.parse(text) as JsonValue;
  } catch (error) {
    if (where.endsWith(".json")) throw new UsageError(`${where} is no JSON: ${String(error)}`);
  }
  try {
    return parseYaml(text, { maxAliasCount: 100 }) as JsonValue;
  } catch (error) {
    throw new UsageError(`${where} is neither JSON nor YAML: ${error instanceof Error ? error.message : ""}`);
  }
}

/** A document without positions alone. */
export async function readDocument(path: string, io: Io): Promise<JsonObject> {
  const input = await readInput(path, io);
  if (input.kind === "document") return input.document;
  throw new UsageError(`${path} holds a list; this command wants an object`);
}

/** `alpha=0.5` or several of them, apart by commas; given again, they add up. */
export function ratios(text: string, before: JsonObject = {}): JsonObject {
  const read = () => pairs(text).map(([key, value]) => [key, number(value, key)] as const);
  return { ...before, ...Object.fromEntries(argument(read)) };
}

/** Like `ratios`, for texts. */
export function texts(text: string, before: JsonObject = {}): JsonObject {
  return { ...before, ...Object.fromEntries(argument(() => pairs(text))) };
}

/** `a,b` or given several times. */
export function names(text: string, before: readonly string[] = []): string[] {
  return [...before, ...text.split(",").filter((each) => each !== "")];
}

export function amount(text: string): number {
  return argument(() => number(text, "value"));
}

/** A mistake in the value of an option: commander says of which one. */
function argument<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof UsageError ? new InvalidArgumentError(error.message) : error;
  }
}

/** The last `=` divides: ids may have one. */
function pairs(text: string): [string, string][] {
  return text.split(",").map((pair) => {
    const at = pair.lastIndexOf("=");
    if (at < 1) throw new UsageError(`not name=value: ${pair}`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
}
