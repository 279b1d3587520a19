/** Kills around the call to an executor, and what its own order log says afterwards. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ABILITY_CLASSES, type AbilityClass, FAULTS, type FaultKind, isKill, runIdOf } from "./faults.ts";
import { areAtRest, readExecutorLog, type Verdict, verdictOf } from "./judge.ts";
import { phoenix } from "./processes.ts";
import { type RunClient, runClient } from "./run-client.ts";

export interface CrashSuiteOptions {
  /** How many processes are to die, over all classes. */
  readonly kills: number;
  /** The same seed gives the same sequence of faults. */
  readonly seed: number;
  /** Which executors; without it the three that there are. */
  readonly classes?: readonly AbilityClass[];
  /** These faults in this order, instead of all of them as the seed decides. */
  readonly faults?: readonly FaultKind[];
  readonly onProgress?: (line: string) => void;
}

export interface CrashReport extends Verdict {
  readonly kills: number;
  readonly runs: number;
}

/** Clean runs that go on beside every faulty one, so that a kill finds more than one call under way. */
const COMPANIONS = 2;
/** After the faults every execution must come to rest within this, in milliseconds. */
const REST_MS = 60_000;

/** Runs all classes side by side, each with processes of its own; at least `kills` of them die. */
export async function runExecutionCrashSuite(
  options: CrashSuiteOptions,
): Promise<Record<AbilityClass, CrashReport>> {
  const { classes = ABILITY_CLASSES } = options;
  const share = Math.ceil(options.kills / classes.length);
  const reports = await Promise.all(
    classes.map(async (abilities, i): Promise<[AbilityClass, CrashReport]> => {
      const faults = options.faults ?? faultSequence(share, options.seed + i);
      const report = await runClass(abilities, faults);
      options.onProgress?.(`${abilities}: ${JSON.stringify(report)}`);
      return [abilities, report];
    }),
  );
  return Object.fromEntries(reports) as Record<AbilityClass, CrashReport>;
}

async function runClass(abilities: AbilityClass, faults: readonly FaultKind[]): Promise<CrashReport> {
  const folder = mkdtempSync(join(tmpdir(), "execution-crash-"));
  mkdirSync(join(folder, "store"));
  const executor = phoenix("executor-process.ts", (port) => [abilities, String(port), folder]);
  const executorPort = await executor.port();
  const store = join(folder, "store", "book.db");
  const service = phoenix("service-process.ts", () => [store, String(executorPort), folder]);
  const client = runClient(service);
  try {
    const runs = await strikeAll(client, faults);
    const executions = await client.rested(runs, REST_MS, (all) =>
      areAtRest(abilities, all, readExecutorLog(folder)),
    );
    const verdict = verdictOf(abilities, executions, readExecutorLog(folder));
    await client.resolveDoubts(executions, readExecutorLog(folder));
    return { kills: service.deaths() + executor.deaths(), runs: runs.length, ...verdict };
  } finally {
    client.close();
    await Promise.all([service.stop(), executor.stop()]);
    await sleep(50); // a process that just died may still hold its files
    rmSync(folder, { recursive: true, force: true });
  }
}

async function strikeAll(client: RunClient, faults: readonly FaultKind[]): Promise<string[]> {
  const runs: string[] = [];
  for (const fault of faults) {
    const batch = [fault, ...Array.from({ length: COMPANIONS }, () => "clean" as const)].map((kind) => {
      const runId = runIdOf(kind, runs.length);
      runs.push(runId);
      return runId;
    });
    await Promise.all(batch.map((runId, i) => client.drive(runId, (runs.length + i) % 2 === 0)));
  }
  return runs;
}

/** All kinds in turn, in an order that the seed decides, until enough of them have killed. */
function faultSequence(kills: number, seed: number): FaultKind[] {
  const random = randomOf(seed);
  const sequence: FaultKind[] = [];
  while (sequence.filter(isKill).length < kills) {
    sequence.push(...FAULTS.toSorted(() => random() - 0.5));
  }
  return sequence;
}

/** Mulberry32: small, and the same everywhere. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
