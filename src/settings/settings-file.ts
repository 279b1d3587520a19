/** The YAML file: `worldservice.server.<key>`. Other services may keep their own sections in the same file. */
import { closeSync, openSync, readSync } from "node:fs";
import { LineCounter, parseDocument } from "yaml";
import { DEFINITIONS, SETTING_NAMES } from "./definitions.ts";
import type { SettingProblem } from "./settings-error.ts";
import { type Given, type Origin, type SourceReading, unknownName } from "./sources.ts";

/** Largest file, in bytes: room for thousands of tokens, none for a file that was meant to exhaust memory. */
export const MAX_FILE_BYTES = 256 * 1024;

/** At most one byte more than is allowed, so that an endless file is refused and not read. */
export function readFileBounded(path: string): string {
  const buffer = Buffer.alloc(MAX_FILE_BYTES + 1);
  const file = openSync(path, "r");
  try {
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(file, buffer, length, buffer.length - length, null);
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, length));
  } finally {
    closeSync(file);
  }
}

export function readSettingsFile(path: string, readFile: (path: string) => string): SourceReading {
  const origin: Origin = { source: "file", at: path };
  const root = parseFile(path, readFile);
  if (typeof root === "string") return { given: [], problems: [{ name: path, origin, reason: root }] };
  const section = root.get("worldservice");
  if (!(section instanceof Map) || !section.has("server")) {
    return { given: [], problems: [{ name: path, origin, reason: "holds no worldservice.server" }] };
  }
  const problems = unknownKeys(section, "worldservice", ["server"], origin);
  const server: unknown = section.get("server") ?? new Map();
  if (!(server instanceof Map)) {
    problems.push({ name: "worldservice.server", origin, reason: "is not a record of settings" });
    return { given: [], problems };
  }
  problems.push(...unknownKeys(server, "worldservice.server", KEYS, origin));
  return { given: givenBy(server, origin), problems };
}

const KEYS = SETTING_NAMES.map((name) => DEFINITIONS[name].key);

function givenBy(server: ReadonlyMap<unknown, unknown>, origin: Origin): readonly Given[] {
  const names = SETTING_NAMES.filter((name) => server.has(DEFINITIONS[name].key));
  return names.map((name) => ({ name, raw: server.get(DEFINITIONS[name].key), origin }));
}

function unknownKeys(
  record: ReadonlyMap<unknown, unknown>,
  path: string,
  known: readonly string[],
  origin: Origin,
) {
  const unknown = [...record.keys()].map(String).filter((key) => !known.includes(key));
  const paths = known.map((key) => `${path}.${key}`);
  return unknown.map((key): SettingProblem => unknownName(`${path}.${key}`, paths, origin, `${path}.`));
}

/** The top record, or the reason why there is none. Reasons never repeat the file's text: it may hold secrets. */
function parseFile(path: string, readFile: (path: string) => string): ReadonlyMap<unknown, unknown> | string {
  try {
    const text = readFile(path);
    return text.length > MAX_FILE_BYTES ? `is larger than ${MAX_FILE_BYTES} bytes` : parseYaml(text);
  } catch (error) {
    return `cannot be read: ${reasonOf(error)}`;
  }
}

function parseYaml(text: string): ReadonlyMap<unknown, unknown> | string {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault) {
    const { line, col } = lines.linePos(fault.pos[0]);
    return `is not valid YAML at line ${line}, column ${col} (${fault.code})`;
  }
  // No aliases at all: a few lines of them can grow to gigabytes, and settings have no use for them.
  const root: unknown = document.toJS({ mapAsMap: true, maxAliasCount: 0 });
  return root instanceof Map ? root : "holds no worldservice.server";
}

function reasonOf(error: unknown): string {
  if (error instanceof ReferenceError) return "YAML aliases are not allowed";
  if (error instanceof TypeError) return "it is not a UTF-8 text file";
  return error instanceof Error && "code" in error
    ? String(error.code)
    : "an unexpected fault of the YAML reader";
}
