/** Far more changes than a server can make, asked for at a steady pace that takes no notice of the answers. */
import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { startedProcess } from "../../integration/operations/support.ts";
import type { FreezeOrder, FreezeReport, LoadOrder, LoadReport } from "./messages.ts";

export interface OverloadOptions {
  /** How long each part takes, in milliseconds. */
  readonly partMs: number;
  /** How many times the peak is asked for. */
  readonly times: number;
  readonly store: string;
  /** Parts of each kind; they take turns, so that a slower machine is slower for both. */
  readonly rounds: number;
}

/** Medians over the rounds. */
export interface OverloadResult {
  /** Changes per second with as many callers as the server works on at once. */
  readonly peakPerSecond: number;
  /** What was asked for and what was done per second under overload. */
  readonly offeredPerSecond: number;
  readonly goodputPerSecond: number;
  /** Refusals that were RESOURCE_EXHAUSTED; and those of them that named no delay. */
  readonly refused: number;
  readonly withoutDelay: number;
  /** Streams that Node's HTTP/2 turned away before the service saw them. */
  readonly turnedAway: number;
  readonly others: readonly string[];
  /** Of freezes during the overload, half and 99 % took no longer, in milliseconds. */
  readonly freezeP50Ms: number;
  readonly freezeP99Ms: number;
  readonly freezes: number;
  /** How late the freezing process itself was, in milliseconds: that is in the figures above. */
  readonly ownLagP99Ms: number;
  /** Whether server and callers had a processor each. */
  readonly pinned: boolean;
}

const CALLERS = 64;
const CONNECTIONS = 12;

export async function runOverload(options: OverloadOptions): Promise<OverloadResult> {
  const server = await startedProcess(
    { store: options.store, log_level: "info" },
    {},
    ({ msg }) => msg !== "call",
  );
  const [load, freezer] = await Promise.all([helper("load.ts"), helper("freezer.ts")]);
  const pinned = pin(server.child, [load, freezer]);
  const rounds: Round[] = [];
  try {
    await oneRound(options, server.port, load, freezer, 0); // compiled code is what is measured
    for (let round = 1; round <= options.rounds; round++) {
      rounds.push(await oneRound(options, server.port, load, freezer, round));
    }
  } finally {
    load.disconnect();
    freezer.disconnect();
    await server.end("SIGTERM");
  }
  return { ...summary(rounds), pinned };
}

interface Round {
  readonly peak: LoadReport;
  readonly over: LoadReport;
  readonly freezes: FreezeReport;
}

/** Run ids and worlds of different rounds must not meet. */
const RUNS_PER_PART = 20_000_000;

async function oneRound(
  { partMs, times }: OverloadOptions,
  port: number,
  load: ChildProcess,
  freezer: ChildProcess,
  round: number,
): Promise<Round> {
  const order = { port, connections: CONNECTIONS, ms: partMs, callers: CALLERS };
  const firstRun = 2 * round * RUNS_PER_PART;
  const peak = await ask<LoadOrder, LoadReport>(load, { ...order, firstRun });
  const perSecond = (times * peak.done) / peak.seconds;
  const [over, freezes] = await Promise.all([
    ask<LoadOrder, LoadReport>(load, { ...order, perSecond, firstRun: firstRun + RUNS_PER_PART }),
    ask<FreezeOrder, FreezeReport>(freezer, { port, ms: partMs, firstRun }),
  ]);
  return { peak, over, freezes };
}

function summary(rounds: readonly Round[]): Omit<OverloadResult, "pinned"> {
  const median = (of: (round: Round) => number) =>
    rounds.map(of).toSorted((a, b) => a - b)[rounds.length >> 1] ?? 0;
  const total = (of: (round: Round) => number) => rounds.reduce((sum, round) => sum + of(round), 0);
  const tookMs = rounds.flatMap(({ freezes }) => freezes.tookMs).toSorted((a, b) => a - b);
  const quantile = (part: number) => tookMs[Math.ceil(tookMs.length * part) - 1] ?? 0;
  return {
    peakPerSecond: median(({ peak }) => peak.done / peak.seconds),
    offeredPerSecond: median(({ over }) => over.offered / over.seconds),
    goodputPerSecond: median(({ over }) => over.done / over.seconds),
    refused: total(({ over }) => over.refusedInAll),
    withoutDelay: total(({ peak, over }) => peak.withoutDelay + over.withoutDelay),
    turnedAway: total(({ peak, over }) => peak.turnedAway + over.turnedAway),
    others: rounds.flatMap(({ peak, over, freezes }) => [
      ...peak.others,
      ...over.others,
      ...freezes.failures,
    ]),
    freezeP50Ms: quantile(0.5),
    freezeP99Ms: quantile(0.99),
    freezes: tookMs.length,
    ownLagP99Ms: median(({ freezes }) => freezes.lagP99Ms),
  };
}

async function helper(file: string): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, file), { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  await once(child, "message");
  return child;
}

async function ask<Order extends object, Report>(child: ChildProcess, order: Order): Promise<Report> {
  child.send(order);
  const [report] = await once(child, "message");
  return report as Report;
}

/** The server gets a processor of its own where there are two: callers that take its time away would be measured. */
function pin(server: ChildProcess, others: readonly ChildProcess[]): boolean {
  if (availableParallelism() < 2) return false;
  const set = (processors: string, { pid }: { pid?: number | undefined }) =>
    spawnSync("taskset", ["-a", "-c", "-p", processors, String(pid)]).status === 0;
  // This process reads what the server logs, which is work of the same kind.
  return set("0", server) && [process, ...others].every((other) => set("1", other));
}
