/** What the environment and the flags say, before anybody asks whether it makes sense. */
import { parseArgs } from "node:util";
import {
  DEFINITIONS,
  ENV_PREFIX,
  flagOf,
  SETTING_NAMES,
  type SettingName,
  variableOf,
} from "./definitions.ts";
import { suggestion } from "./nearest-name.ts";
import type { SettingProblem } from "./settings-error.ts";

export interface Origin {
  readonly source: "default" | "file" | "env" | "flag";
  /** The very place: a file's name, a variable, a flag, or `default`. */
  readonly at: string;
}

/** One value that a source gives for one setting. */
export interface Given {
  readonly name: SettingName;
  readonly raw: unknown;
  readonly origin: Origin;
}

export interface SourceReading {
  readonly given: readonly Given[];
  readonly problems: readonly SettingProblem[];
}

/** `VARIABLES.get("WORLDSERVICE_SERVER_PORT")` is `port`. */
const VARIABLES = new Map(SETTING_NAMES.map((name) => [variableOf(DEFINITIONS[name].key), name]));
/** By long name without dashes: `admin-port`. */
const FLAGS = new Map(SETTING_NAMES.map((name) => [flagOf(DEFINITIONS[name].key).slice(2), name]));

/** Our variables among all; a misspelt one of ours is a problem, or it would silently do nothing. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): SourceReading {
  const given: Given[] = [];
  const problems: SettingProblem[] = [];
  for (const [variable, raw] of Object.entries(env)) {
    if (raw === undefined || !variable.startsWith(ENV_PREFIX)) continue;
    const origin: Origin = { source: "env", at: variable };
    const name = VARIABLES.get(variable);
    if (name !== undefined) given.push({ name, raw, origin });
    else problems.push(unknownName(variable, [...VARIABLES.keys()], origin, ENV_PREFIX));
  }
  return { given, problems };
}

export interface FlagReading extends SourceReading {
  /** The file named by `--config`. */
  readonly config: string | undefined;
}

/** `--port 6000`, `--port=6000`, `--insecure`, `--no-insecure`, `--insecure false`; the last of several wins. */
export function readFlags(argv: readonly string[]): FlagReading {
  const given: Given[] = [];
  const problems: SettingProblem[] = [];
  let config: string | undefined;
  for (const { flag, at, value } of flagsIn(argv)) {
    const origin: Origin = { source: "flag", at };
    const name = FLAGS.get(flag);
    if (flag === "") problems.push({ name: at, origin, reason: "is not a flag" });
    else if (name === undefined && flag !== "config")
      problems.push(unknownName(at, FLAG_NAMES, origin, "--"));
    else if (value === undefined) problems.push({ name: at, origin, reason: "needs a value" });
    else if (name === undefined) config = value;
    else given.push({ name, raw: value, origin });
  }
  return { given, problems, config };
}

interface Flag {
  /** Without dashes; empty for an argument that belongs to no flag. */
  readonly flag: string;
  /** As the user wrote it. */
  readonly at: string;
  readonly value: string | undefined;
}

function flagsIn(argv: readonly string[]): readonly Flag[] {
  const { tokens } = parseArgs({
    args: [...argv],
    options: FLAG_SHAPES,
    strict: false, // unknown flags are reported with all the other problems
    allowNegative: true,
    allowPositionals: true,
    tokens: true,
  });
  const flags: Flag[] = [];
  for (const [index, token] of tokens.entries()) {
    const before = tokens[index - 1];
    if (token.kind === "option") {
      flags.push({ flag: token.name, at: token.rawName, value: token.value ?? switchValue(token) });
    } else if (token.kind === "positional" && before?.kind === "option" && before.value === undefined) {
      // `--insecure false`; and what follows an unknown flag is its value, which may be a secret: never repeat it.
      flags.push({ ...(flags.pop() ?? NO_FLAG), value: token.value });
    } else if (token.kind === "positional") {
      flags.push({ ...NO_FLAG, at: token.value });
    }
  }
  return flags;
}

const NO_FLAG: Flag = { flag: "", at: "", value: undefined };
const FLAG_NAMES = ["--config", ...[...FLAGS.keys()].map((flag) => `--${flag}`)];

const isSwitch = (name: SettingName) => DEFINITIONS[name].kind.isSwitch === true;

/** parseArgs must know which flags take a value. */
const FLAG_SHAPES = Object.fromEntries([
  ["config", { type: "string" as const }],
  ...[...FLAGS].map(([flag, name]) => [flag, { type: isSwitch(name) ? "boolean" : "string" }] as const),
]);

/** A bare switch is true, with `--no-` before it false; a bare flag of any other kind has no value. */
function switchValue({ name, rawName }: { name: string; rawName: string }): string | undefined {
  const setting = FLAGS.get(name);
  return setting !== undefined && isSwitch(setting) ? String(rawName === `--${name}`) : undefined;
}

/** `prefix` is common to all names and tells nothing about which of them was meant. */
export function unknownName(
  name: string,
  known: readonly string[],
  origin: Origin,
  prefix: string,
): SettingProblem {
  return { name, origin, reason: `is not known${suggestion(name, known, prefix)}` };
}
