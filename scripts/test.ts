/**
 * `npm test`: the whole suite, in as many test processes as there are processors, two at most. With arguments (spec files,
 * `--grep`, anything that mocha takes) it is mocha itself, in one process.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { shardsOf } from "./preflight/shards.ts";

const ROOT = join(import.meta.dirname, "..");
const MOCHA = join(ROOT, "node_modules/mocha/bin/mocha.js");
/** More would take the processors from the servers that the tests start. */
const MOST_PROCESSES = 2;

async function main(args: readonly string[]): Promise<number> {
  if (args.length > 0) return exitCodeOf(startMocha(args, "inherit"));
  const specs = globSync("test/**/*.spec.ts", { cwd: ROOT }).toSorted();
  const shards = shardsOf(specs, Math.min(MOST_PROCESSES, availableParallelism()));
  const results = await Promise.all(shards.map(runShard));
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** What failed is told by mocha; a process that ended otherwise than its tests counts as one failure. */
async function runShard(specs: readonly string[]): Promise<{ passed: number; failed: number }> {
  const child = startMocha(specs, "pipe");
  let text = "";
  child.stdout?.on("data", (chunk) => {
    text += chunk;
    process.stdout.write(chunk);
  });
  const exitCode = await exitCodeOf(child);
  const [, passed = "0", failed = "0"] = /^(\d+) passed, (\d+) failed$/m.exec(text) ?? [];
  if (exitCode === 0 || Number(failed) > 0) return { passed: Number(passed), failed: Number(failed) };
  console.error(`\na test process ended with ${exitCode}; see above`);
  return { passed: Number(passed), failed: 1 };
}

function startMocha(args: readonly string[], stdout: "inherit" | "pipe"): ChildProcess {
  return spawn(process.execPath, [MOCHA, ...args], { cwd: ROOT, stdio: ["ignore", stdout, "inherit"] });
}

/** 1 for a process that a signal ended. */
async function exitCodeOf(child: ChildProcess): Promise<number> {
  const [exitCode] = (await once(child, "close")) as [number | null];
  return exitCode ?? 1;
}

process.exitCode = await main(process.argv.slice(2));
