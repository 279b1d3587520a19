/**
 * Commits on Redis with appendfsync always, as ratios to bare commands of the same run: the latency of one caller
 * (acquire with its reads, commit with its release: two round trips) to a bare SET, and the throughput of 64 callers on
 * different worlds to that of a bare Lua commit. Measures and bare commands take turns, so that both meet the same
 * machine.
 */
import { randomUUID } from "node:crypto";
import { createClient } from "redis";
import { openRedisStore } from "../../src/adapters/redis/index.ts";
import type { OpenedStore } from "../../src/ports/opened-store.ts";
import type { CommitRequest } from "../../src/ports/store.ts";
import { startRedis } from "../support/redis.ts";

export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** `value` divided by that of the row named `against`. */
  readonly ratio?: number;
  readonly against?: string;
}

const CALLERS = 64;
const ROUNDS = 7;
/** Per round: enough for a steady figure, few enough that a run takes seconds. */
const LATENCY_CALLS = 300;
const THROUGHPUT_CALLS = 6_000;

/** What a commit is at least: a check, a state, an event. */
const BARE_COMMIT = `
if redis.call("HGET", KEYS[1], "fence") ~= ARGV[1] then return -1 end
redis.call("HSET", KEYS[1], "body", ARGV[2])
redis.call("XADD", KEYS[2], "*", "event", ARGV[3])
return 1`;

type Call = (caller: number, turn: number) => Promise<unknown>;

/** Measures on a Redis of its own; takes about ten seconds. */
export async function run(): Promise<BenchRow[]> {
  // A rewrite of the append-only file in the middle would be measured too.
  const server = await startRedis({ config: { "auto-aof-rewrite-percentage": "0" } });
  const book = await openRedisStore({
    url: server.url,
    book: "bench",
    lockTtlMs: 5_000,
    durability: "fsync",
    allowDegraded: false,
  });
  const bare = await bareCalls(server.url);
  try {
    return await measure(book, bare);
  } finally {
    bare.close();
    await book.close();
    await server.stop();
  }
}

async function measure(book: OpenedStore, bare: Awaited<ReturnType<typeof bareCalls>>): Promise<BenchRow[]> {
  const save: Call = (caller, turn) => saveOnce(book, `world-${caller}`, `${caller}-${turn}-${randomUUID()}`);
  const latency = { set: [] as number[], save: [] as number[] };
  const throughput = { set: [] as number[], commit: [] as number[], save: [] as number[] };
  await rate(save, THROUGHPUT_CALLS); // warm up
  for (let round = 0; round < ROUNDS; round++) {
    latency.set.push(await typicalLatency(bare.set));
    latency.save.push(await typicalLatency(save));
    throughput.commit.push(await rate(bare.commit, THROUGHPUT_CALLS));
    throughput.save.push(await rate(save, THROUGHPUT_CALLS));
    throughput.set.push(await rate(bare.set, THROUGHPUT_CALLS));
  }
  const set = row("redis: SET, one caller, p50", median(latency.set), "ms");
  const commit = row(`redis: bare Lua commit, ${CALLERS} callers`, median(throughput.commit), "1/s");
  return [
    set,
    row("redis: acquire + commit, one caller, p50", median(latency.save), "ms", set),
    row(`redis: SET, ${CALLERS} callers`, median(throughput.set), "1/s"),
    commit,
    row(`redis: acquire + commit, ${CALLERS} callers`, median(throughput.save), "1/s", commit),
  ];
}

function row(name: string, value: number, unit: string, against?: BenchRow): BenchRow {
  return against
    ? { name, value, unit, ratio: value / against.value, against: against.name }
    : { name, value, unit };
}

/** What an upsert of one world asks of the store. */
async function saveOnce({ locks, store }: OpenedStore, worldId: string, runId: string): Promise<void> {
  const allocation = { kind: "allocation", scope: "", id: worldId } as const;
  const run = { kind: "run", scope: "", id: runId } as const;
  const { lease, context } = await locks.acquire([worldId], {
    timeoutMs: 10_000,
    read: { keys: [run, allocation], budget: "allocation" },
  });
  const request: CommitRequest = {
    lease,
    release: true,
    claim: { runId, fingerprint: "f".repeat(64) },
    expect: [{ key: allocation, version: context.docs[1]?.version ?? 0 }],
    budget: { name: "allocation", set: [{ member: worldId, units: 1 }], limit: 1_000_000 },
    puts: [
      { key: run, body: JSON.stringify({ runId, worldId, ratios: { a: 0.5, b: 0.5 } }) },
      { key: allocation, body: JSON.stringify({ worldId, ratio: 0.1, runId }) },
    ],
    events: [{ worldId, body: JSON.stringify({ type: "allocation_upserted", runId }) }],
    audit: [{ worldId, body: JSON.stringify({ rpc: "UpsertAllocations", runId }) }],
  };
  const outcome = await store.commit(request);
  if (outcome.kind !== "committed") throw new Error(`a bench commit was ${outcome.kind}`);
}

async function bareCalls(url: string) {
  const client = createClient({ url, commandOptions: { timeout: 0 }, disableOfflineQueue: true });
  client.on("error", () => {}); // the call in flight reports it
  await client.connect();
  const sha = await client.scriptLoad(BARE_COMMIT);
  const body = "x".repeat(80);
  await Promise.all(Array.from({ length: CALLERS }, (_, i) => client.hSet(`{bare}:${i}`, "fence", "1")));
  const set: Call = (caller) => client.sendCommand(["SET", `{bare}:set:${caller}`, body]);
  const commit: Call = (caller) =>
    client.sendCommand(["EVALSHA", sha, "2", `{bare}:${caller}`, "{bare}:log", "1", body, body]);
  return { set, commit, close: () => client.destroy() };
}

/** Median milliseconds of a call, one after the other. */
async function typicalLatency(call: Call): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < LATENCY_CALLS; turn++) {
    const startedAt = performance.now();
    await call(0, turn);
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

/** Calls per second of all callers together, each with one call in flight. */
async function rate(call: Call, calls: number): Promise<number> {
  const startedAt = performance.now();
  const caller = async (id: number) => {
    for (let turn = 0; turn < calls / CALLERS; turn++) await call(id, turn);
  };
  await Promise.all(Array.from({ length: CALLERS }, (_, id) => caller(id)));
  return (calls / (performance.now() - startedAt)) * 1_000;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

if (import.meta.main) console.table(await run());
