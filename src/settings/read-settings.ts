/** The settings factory of the server, the command line and the tests; nothing else reads environment or flags. */
import { CROSS_RULES } from "./cross-rules.ts";
import {
  DEFINITIONS,
  type Definition,
  SETTING_NAMES,
  type SettingName,
  type SettingValues,
} from "./definitions.ts";
import type { Fault, Reading } from "./kinds.ts";
import { redact } from "./redact.ts";
import { type SettingProblem, SettingsError } from "./settings-error.ts";
import { readFileBounded, readSettingsFile } from "./settings-file.ts";
import { type Given, type Origin, readEnvironment, readFlags } from "./sources.ts";

export interface Settings extends SettingValues {
  /** Where each value came from. */
  readonly origins: Readonly<Record<SettingName, Origin>>;
}

export interface SettingsSources {
  /** Flags, without the executable and the script. */
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Gives the text of the file named by `--config`, or throws. */
  readonly readFile?: (path: string) => string;
}

/**
 * The effective settings: defaults < file < environment < flags. Every value that is given is checked, also one that
 * a later source overrides, so that a broken file does not wait for the day the override goes away.
 *
 * @returns a deeply frozen object.
 * @throws SettingsError with all problems of all sources.
 */
export function readSettings({
  argv = [],
  env = process.env,
  readFile = readFileBounded,
}: SettingsSources = {}): Settings {
  const flags = readFlags(argv);
  const file =
    flags.config === undefined ? { given: [], problems: [] } : readSettingsFile(flags.config, readFile);
  const environment = readEnvironment(env);
  const problems = [...file.problems, ...environment.problems, ...flags.problems];

  const effective = new Map<SettingName, Effective>();
  const faulty = new Set<SettingName>();
  for (const given of [...DEFAULTS, ...file.given, ...environment.given, ...flags.given]) {
    const reading = readGiven(given);
    if ("value" in reading) {
      effective.set(given.name, { ...given, value: reading.value });
    } else {
      faulty.add(given.name);
      problems.push(...reading.faults.map((fault) => problemOf(given, fault)));
    }
  }
  const values = pick(effective, "value") as SettingValues;
  problems.push(...crossProblems(values, effective, faulty));
  if (problems.length > 0) throw new SettingsError(problems);
  const origins = pick(effective, "origin") as Settings["origins"];
  return deepFreeze({ ...values, origins });
}

interface Effective extends Given {
  readonly value: unknown;
}

const DEFAULTS: readonly Given[] = SETTING_NAMES.map((name) => ({
  name,
  raw: DEFINITIONS[name].initial,
  origin: { source: "default", at: "default" },
}));

function readGiven({ name, raw }: Given): Reading<unknown> {
  return DEFINITIONS[name].kind.read(raw);
}

function pick(
  effective: ReadonlyMap<SettingName, Effective>,
  field: "value" | "origin",
): Record<string, unknown> {
  return Object.fromEntries([...effective].map(([name, entry]) => [name, entry[field]]));
}

function problemOf({ name, raw, origin }: Given, { at, reason }: Fault): SettingProblem {
  const { key, kind, secret }: Definition = DEFINITIONS[name];
  const problem = { name: key + at, origin, value: redact(raw, secret), reason };
  // Inside a list or record the reason itself says what is allowed at that place.
  return at === "" ? { ...problem, allowed: kind.allowed } : problem;
}

function crossProblems(
  values: SettingValues,
  effective: ReadonlyMap<SettingName, Effective>,
  faulty: ReadonlySet<SettingName>,
): readonly SettingProblem[] {
  const problems: SettingProblem[] = [];
  for (const rule of CROSS_RULES) {
    if (rule.reads.some((name) => faulty.has(name))) continue;
    const reason = rule.check(values);
    const entry = effective.get(rule.name);
    if (reason === undefined || entry === undefined) continue;
    // No allowed range here: the value is within it, and only wrong beside the other.
    const { key, secret }: Definition = DEFINITIONS[rule.name];
    problems.push({ name: key, origin: entry.origin, value: redact(entry.raw, secret), reason });
  }
  return problems;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
