/**
 * `npm run test:preflight`: runs the suite once under stricter rules, before anything relies on it.
 *
 * - A hard limit per test and hook, kept from outside: a loop that never yields is ended too, and its test named.
 * - The process must end by itself after the last test; what keeps it alive is named (test/support/setup.ts).
 * - Warnings are errors, deprecations included, in the test processes and in every Node process they start.
 *
 * Usage: node scripts/preflight.ts [--shards n] [--test-ms n] [--idle-ms n] [--times] [spec files or folders…]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Progress } from "./preflight/progress.ts";
import { shardsOf } from "./preflight/shards.ts";
import { type Limits, watchOver } from "./preflight/watchdog.ts";

const ROOT = join(import.meta.dirname, "..");
const MOCHA = join(ROOT, "node_modules/mocha/bin/mocha.js");
const NOTE_WARNINGS = join(ROOT, "test/support/note-warnings.mjs");
/** What no test takes on two busy cores, in milliseconds. */
const TEST_MS = 420_000;
const GRACE_MS = 20_000;
/** Longer than setup.ts waits before it names open handles: it knows them better. */
const IDLE_MS = 60_000;

interface Result {
  readonly problems: readonly string[];
  readonly passed: number;
  readonly failed: number;
  readonly took: Readonly<Record<string, number>>;
}

async function main(): Promise<number> {
  const number = { type: "string" } as const;
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { shards: number, "test-ms": number, "idle-ms": number, times: { type: "boolean" } },
  });
  const limits = {
    testMs: Number(values["test-ms"] ?? TEST_MS),
    graceMs: GRACE_MS,
    idleMs: Number(values["idle-ms"] ?? IDLE_MS),
  };
  const shards = shardsOf(specsOf(positionals), Number(values.shards ?? 1));
  const folder = mkdtempSync(join(tmpdir(), "preflight-"));
  try {
    const results = await Promise.all(
      shards.map((specs, at) => runShard(specs, join(folder, String(at)), limits)),
    );
    if (values.times === true) showTimes(results);
    return summary(results);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Files as given, folders as the specs in them. */
function specsOf(given: readonly string[]): readonly string[] {
  const places = given.length === 0 ? ["test"] : given;
  return places.flatMap((place) =>
    statSync(place).isDirectory() ? globSync(`${place}/**/*.spec.ts`).toSorted() : [place],
  );
}

async function runShard(specs: readonly string[], prefix: string, limits: Limits): Promise<Result> {
  const [report, warnings] = [`${prefix}-report.json`, `${prefix}-warnings.jsonl`];
  const child = startMocha(specs, report, warnings);
  const heard = listenTo(child);
  const problems = [...(await watchOver(child, report, limits)), ...warningsIn(warnings)];
  const [, passed = "0", failed = "0"] = /^(\d+) passed, (\d+) failed$/m.exec(heard.out) ?? [];
  if (problems.length === 0 && failed === "0") problems.push(...unexplainedEnd(child, heard));
  return { problems, passed: Number(passed), failed: Number(failed), took: heard.took };
}

interface Heard {
  out: string;
  isOver: boolean;
  took: Readonly<Record<string, number>>;
}

function listenTo(child: ChildProcess): Heard {
  const heard: Heard = { out: "", isOver: false, took: {} };
  child.stdout?.on("data", (chunk) => {
    heard.out += chunk;
    process.stdout.write(chunk);
  });
  child.on("message", (message) => {
    const progress = message as Progress;
    if (progress.kind === "files") heard.took = progress.took;
    if (progress.kind === "over") heard.isOver = true;
  });
  return heard;
}

/** A process that ended without a failing test to its name, but not as it should have. */
function unexplainedEnd({ exitCode, signalCode }: ChildProcess, { isOver }: Heard): readonly string[] {
  if (exitCode === 0 && isOver) return [];
  const when = isOver ? "" : ", before the last test";
  return [`the test process ended with ${exitCode ?? signalCode}${when}; see above`];
}

function startMocha(specs: readonly string[], report: string, warnings: string): ChildProcess {
  const flags = [
    "--report-on-signal",
    "--report-compact",
    "--report-exclude-network",
    "--report-exclude-env",
    `--report-filename=${report}`,
    "--pending-deprecation",
  ];
  const options = [process.env.NODE_OPTIONS ?? "", `--import=${NOTE_WARNINGS}`].join(" ").trim();
  return spawn(
    process.execPath,
    [...flags, MOCHA, "--reporter", "test/support/preflight-reporter.ts", ...specs],
    {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "inherit", "ipc"],
      env: { ...process.env, NODE_OPTIONS: options, PREFLIGHT_WARNINGS: warnings },
    },
  );
}

function warningsIn(file: string): readonly string[] {
  if (!existsSync(file)) return [];
  const notes = readFileSync(file, "utf8").trimEnd().split("\n");
  return notes.map((line) => {
    const { program, what } = JSON.parse(line) as { program: string; what: string };
    return `a warning in ${program}:\n${what}`;
  });
}

function showTimes(results: readonly Result[]): void {
  const all = results.flatMap(({ took }) => Object.entries(took)).toSorted(([, a], [, b]) => b - a);
  for (const [file, ms] of all) console.log(`${String(Math.round(ms)).padStart(7)} ms  ${file}`);
}

/** One line for scripts at the end; a problem that has no failing test to its name counts as one. */
function summary(results: readonly Result[]): number {
  const problems = results.flatMap((result) => result.problems);
  for (const problem of problems) console.error(`\npreflight: ${problem}`);
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const failed = results.reduce((sum, result) => sum + result.failed, 0) + problems.length;
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
