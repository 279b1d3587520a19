/**
 * UpsertAllocations, on Redis (appendfsync always, a server of its own) and on SQLite: at the orchestrator, then over
 * gRPC with the server in a process of its own; one caller, many on worlds of their own, many on one world. Ratios are to
 * a bare SET, a bare Lua commit and a bare one-row transaction of the same run; everything takes turns. Settings are the
 * defaults: with `compat_rebalance_v2` on, plans and events also carry alpha figures, and a call costs about half as much
 * again.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { UpsertAllocationsRequestSchema } from "#gen/worldservice/v2/allocation_service_pb.ts";
import { startRedis } from "../support/redis.ts";
import { type BareStore, bareRedis, bareSqlite } from "./support/bare-stores.ts";
import { atLeast, atMost, type BenchValue, inTurns, type Rounds, summarize } from "./support/measure.ts";
import { openOrchestrator, requestOf } from "./support/orchestrator.ts";
import { connectRaw } from "./support/raw-client.ts";

const TURNS = { rounds: 3, warmUp: 2 };
const LATENCY_CALLS = 150;
const CROWDS = [16, 64] as const;
/** Calls of one turn, all callers together. */
const CROWD_CALLS = 1_024;
const ONE_WORLD_CALLS = 192;

/** One call of one caller; calls of different callers may run at once. */
type Call = (caller: number) => Promise<unknown>;

interface Way {
  readonly name: string;
  readonly callers: number;
  readonly calls: number;
  readonly call: Call;
}

export async function run(): Promise<BenchValue[]> {
  return [...(await onRedis()), ...(await onSqlite())];
}

async function onRedis(): Promise<BenchValue[]> {
  // A rewrite of the append-only file in the middle would be measured too.
  const redis = await startRedis({ config: { "auto-aof-rewrite-percentage": "0" } });
  try {
    return await measure("redis", redis.url, await bareRedis(redis.url));
  } finally {
    await redis.stop();
  }
}

async function onSqlite(): Promise<BenchValue[]> {
  const folder = mkdtempSync(join(tmpdir(), "ws-bench-upsert-"));
  try {
    return await measure("sqlite", `sqlite:${join(folder, "book.db")}`, bareSqlite(join(folder, "bare.db")));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(kind: string, store: string, bare: BareStore): Promise<BenchValue[]> {
  try {
    const inside = await atOrchestrator(kind, store, bare);
    const outside = await overGrpc(kind, store, bare);
    return [...inside, ...outside];
  } finally {
    bare.close();
  }
}

async function atOrchestrator(kind: string, store: string, bare: BareStore): Promise<BenchValue[]> {
  const orchestrator = await openOrchestrator(store, "orchestrator");
  try {
    return await compare(`${kind}: upsert`, bare, orchestrator.upsert, isTarget(kind));
  } finally {
    await orchestrator.close();
  }
}

/** The targets of the project are about Redis, at the orchestrator. */
function isTarget(kind: string): boolean {
  return kind === "redis";
}

async function overGrpc(kind: string, store: string, bare: BareStore): Promise<BenchValue[]> {
  const { child, port } = await startServer(store);
  const client = await connectRaw(port);
  const upsert = async (world: string) => {
    const message = create(UpsertAllocationsRequestSchema, requestOf(world));
    const bytes = toBinary(UpsertAllocationsRequestSchema, message);
    const send = () => client.call("/worldservice.v2.AllocationService/UpsertAllocations", bytes);
    await untilTaken(send);
  };
  try {
    return await compare(`${kind}: upsert over gRPC`, bare, upsert, false);
  } finally {
    await client.close();
    child.kill("SIGTERM");
    await once(child, "exit");
  }
}

/** A server that is behind refuses work instead of piling it up; the caller comes again. */
async function untilTaken(send: () => Promise<unknown>): Promise<void> {
  const isRefused = (error: unknown) => String(error).endsWith(`status ${Code.ResourceExhausted}`);
  for (let isTaken = false; !isTaken; ) {
    isTaken = await send().then(
      () => true,
      (error: unknown) => (isRefused(error) ? sleep(5, false) : Promise.reject(error)),
    );
  }
}

/** The server as it is started by operators. */
async function startServer(store: string): Promise<{ child: ChildProcess; port: number }> {
  const main = join(import.meta.dirname, "../../src/main.ts");
  const flags = ["--port=0", "--admin-port=0", "--log-format=json", "--book=grpc"];
  const child = spawn(process.execPath, [main, `--store=${store}`, ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, address } = JSON.parse(line) as { msg?: string; address?: string };
    if (msg !== "ready" || address === undefined) continue;
    child.stdout.resume(); // a log that nobody reads would stop the server
    return { child, port: Number(address.split(":").at(-1)) };
  }
  throw new Error("the server did not start");
}

async function compare(
  name: string,
  bare: BareStore,
  upsert: (world: string) => Promise<unknown>,
  hasTargets: boolean,
): Promise<BenchValue[]> {
  const apart: Call = (caller) => upsert(`world-${caller}`);
  const together: Call = () => upsert("one-world");
  const one = { calls: LATENCY_CALLS, callers: 1 };
  const crowds = CROWDS.flatMap((callers): Way[] => [
    {
      name: `${bare.commitName} beside ${name}, ${callers} callers`,
      callers,
      calls: CROWD_CALLS,
      call: bare.commit,
    },
    { name: `${name}, ${callers} callers, ${callers} worlds`, callers, calls: CROWD_CALLS, call: apart },
    { name: `${name}, ${callers} callers, one world`, callers, calls: ONE_WORLD_CALLS, call: together },
  ]);
  const singles: Way[] = [
    { name: `${bare.writeName} beside ${name}`, ...one, call: bare.write },
    { name: `${name}, one caller`, ...one, call: apart },
  ];
  const found = await inTurns([...singles, ...crowds], TURNS, cost);
  return [...latencies(singles, found, hasTargets), ...rates(crowds, found, hasTargets)];
}

/** Median milliseconds of a single caller's calls; calls per second of a crowd. */
async function cost({ callers, calls, call }: Way): Promise<number> {
  if (callers === 1) return typicalLatency(call, calls);
  const start = performance.now();
  const work = async (caller: number) => {
    for (let turn = 0; turn < calls / callers; turn++) await call(caller);
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => work(caller)));
  return (calls / (performance.now() - start)) * 1_000;
}

async function typicalLatency(call: Call, calls: number): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < calls; turn++) {
    const start = performance.now();
    await call(0);
    times.push(performance.now() - start);
  }
  return summarize(times).median;
}

type Found = ReadonlyMap<string, Rounds>;

function latencies([write, save]: readonly Way[], found: Found, hasTargets: boolean): BenchValue[] {
  return [
    value(write, "ms", found),
    value(save, "ms", found, write, hasTargets ? (ratio) => atMost(ratio, 4) : undefined),
  ];
}

function rates(ways: readonly Way[], found: Found, hasTargets: boolean): BenchValue[] {
  let commit: Way | undefined;
  return ways.map((way) => {
    if (way.name.startsWith("bare")) {
      commit = way;
      return value(way, "1/s", found);
    }
    const isTarget = hasTargets && way.callers === 64 && way.name.endsWith("64 worlds");
    return value(way, "1/s", found, commit, isTarget ? (ratio) => atLeast(ratio, 0.5) : undefined);
  });
}

function value(
  way: Way | undefined,
  unit: string,
  found: Found,
  against?: Way,
  judge?: (ratio: number) => { target: string; met: boolean },
): BenchValue {
  const { median, min, max } = found.get(way?.name ?? "") ?? summarize([]);
  const plain = { name: way?.name ?? "", value: median, unit, min, max };
  if (against === undefined) return plain;
  const ratio = median / (found.get(against.name)?.median ?? Number.NaN);
  return { ...plain, ratio, against: against.name, ...judge?.(ratio) };
}

if (import.meta.main)
  console.table(await run(), ["name", "value", "unit", "ratio", "against", "target", "met"]);
