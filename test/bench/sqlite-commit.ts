import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type OpenedSqliteStore, openSqliteStore } from "../../src/adapters/sqlite/index.ts";

/** One measured figure; `ratio` compares it with the yardstick named in `against`, measured in the same run. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly ratio?: number;
  readonly against?: string;
}

const ROUNDS = 7;
const SINGLE_COMMITS = 400;
const COMMITS_PER_CALLER = 60;
const CALLERS = [1, 16, 64] as const;
const BARE = "a bare one-row durable transaction";
/** As large as a small stored answer, an allocation and an event of the service. */
const RUN_BODY = JSON.stringify({ run: "x".repeat(400) });
const ALLOCATION_BODY = JSON.stringify({ ratio: 0.25, pad: "x".repeat(80) });
const EVENT_BODY = JSON.stringify({ event: "x".repeat(300) });

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** The limit: what one durable row costs SQLite on this disk, with the same pragmas. */
function openBare(path: string): { readonly put: () => void; readonly close: () => void } {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  db.exec("CREATE TABLE row (id INTEGER PRIMARY KEY, body TEXT)");
  const insert = db.prepare("INSERT INTO row (body) VALUES (?)");
  return { put: () => insert.run(RUN_BODY), close: () => db.close() };
}

let serial = 0;

/** One upsert's work at the ports: lock with read, then one commit with claim, documents, event, audit and release. */
async function upsert({ store, locks }: OpenedSqliteStore, world: string, locked: boolean): Promise<void> {
  serial += 1;
  const id = `run-${serial}`;
  const run = { kind: "run", scope: "", id } as const;
  const allocation = { kind: "allocation", scope: "", id: world } as const;
  const acquired = locked
    ? await locks.acquire([world], { timeoutMs: 10_000, read: { keys: [run, allocation] } })
    : undefined;
  const outcome = await store.commit({
    ...(acquired && { lease: acquired.lease, release: true }),
    claim: { runId: id, fingerprint: id },
    puts: [
      { key: run, body: RUN_BODY },
      { key: allocation, body: ALLOCATION_BODY },
    ],
    events: [{ worldId: world, body: EVENT_BODY }],
    audit: [{ worldId: world, body: ALLOCATION_BODY }],
  });
  if (outcome.kind !== "committed") throw new Error(`expected a commit, got ${outcome.kind}`);
}

async function timed(work: () => Promise<void> | void): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function medianLatency(work: () => Promise<void> | void): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < SINGLE_COMMITS; n += 1) times.push(await timed(work));
  return median(times);
}

/** Commits per second of so many callers, each on a world of its own, each waiting for its answer. */
async function throughput(book: OpenedSqliteStore, callers: number): Promise<number> {
  const each = callers === 1 ? SINGLE_COMMITS : COMMITS_PER_CALLER;
  const elapsed = await timed(async () => {
    const work = Array.from({ length: callers }, async (_, caller) => {
      for (let n = 0; n < each; n += 1) await upsert(book, `world-${caller}`, true);
    });
    await Promise.all(work);
  });
  return (callers * each * 1_000) / elapsed;
}

interface Samples {
  readonly bare: number[];
  readonly commit: number[];
  readonly upsert: number[];
  readonly rates: ReadonlyMap<number, number[]>;
}

async function measure(book: OpenedSqliteStore, put: () => void): Promise<Samples> {
  const samples: Samples = {
    bare: [],
    commit: [],
    upsert: [],
    rates: new Map(CALLERS.map((callers) => [callers, []])),
  };
  for (let round = 0; round <= ROUNDS; round += 1) {
    const bare = await medianLatency(put);
    const commit = await medianLatency(() => upsert(book, "world-0", false));
    const locked = await medianLatency(() => upsert(book, "world-0", true));
    if (round > 0) {
      samples.bare.push(bare);
      samples.commit.push(commit);
      samples.upsert.push(locked);
    }
    for (const [callers, rates] of samples.rates) {
      const rate = await throughput(book, callers);
      if (round > 0) rates.push(rate);
    }
  }
  return samples;
}

/** What was fast must also be right: as many commits as calls, in one chain. */
async function verify({ log }: OpenedSqliteStore): Promise<void> {
  const { head } = await log.window();
  const [last] = await log.readAfter(head.revision - 1, 1);
  if (head.revision !== serial || last?.hash !== head.hash) throw new Error("the book lost commits");
}

function toRows(samples: Samples): readonly BenchRow[] {
  const bare = median(samples.bare);
  const bareRate = 1_000 / bare;
  const latency = (name: string, value: number): BenchRow => ({
    name,
    value,
    unit: "ms",
    ratio: value / bare,
    against: BARE,
  });
  return [
    { name: "sqlite bare durable row, p50", value: bare, unit: "ms" },
    latency("sqlite commit, p50, 1 caller", median(samples.commit)),
    latency("sqlite lock + commit, p50, 1 caller", median(samples.upsert)),
    ...[...samples.rates].map(([callers, rates]) => ({
      name: `sqlite lock + commit, ${callers} callers`,
      value: median(rates),
      unit: "/s",
      ratio: median(rates) / bareRate,
      against: BARE,
    })),
  ];
}

/** Commits of the SQLite store beside a bare durable row, round by round in turns. */
export async function run(): Promise<readonly BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "worldservice-bench-"));
  const bare = openBare(join(folder, "bare.db"));
  const book = await openSqliteStore({ path: join(folder, "book.db"), book: "bench", lockTtlMs: 5_000 });
  serial = 0;
  try {
    const samples = await measure(book, bare.put);
    await verify(book);
    return toRows(samples);
  } finally {
    await book.close();
    bare.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
