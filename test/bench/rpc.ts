/**
 * What calls cost over a real socket: the client here, every server in a process of its own, all measured in turns.
 * The yardsticks are node's own HTTP/2 moving the same bytes, and Connect as it comes with the same methods.
 */
import { deepStrictEqual } from "node:assert";
import { makeBook, SYMBOLS } from "./support/book.ts";
import {
  atLeast,
  atMost,
  type BenchValue,
  benchValue,
  inTurns,
  milliseconds,
  type Rounds,
  summarize,
} from "./support/measure.ts";
import { answerBytes, decodeByHand, decodeOrdinarily, planOf } from "./support/plan.ts";
import { connectRaw, type RawClient } from "./support/raw-client.ts";
import { type ServerKind, type ServerProcess, startServer } from "./support/server-process.ts";

const PLAN = "/worldservice.v2.RebalanceService/PlanRebalance";
const SMALL = "/worldservice.v1.CapabilityService/GetCapabilities";

interface Peer {
  readonly name: ServerKind;
  readonly server: ServerProcess;
  readonly client: RawClient;
}

export async function run(): Promise<BenchValue[]> {
  const peers: Peer[] = [];
  try {
    for (const name of ["raw", "stock", "worldservice"] as const) {
      const server = await startServer(name);
      peers.push({ name, server, client: await connectRaw(server.port) });
    }
    return [...(await smallCalls(peers)), ...(await plans(peers))];
  } finally {
    for (const { client } of peers) await client.close();
    for (const { server } of peers) await server.stop();
  }
}

const CALLERS = 64;
const CALLS = 2_000;
const CALLS_ALONE = 300;

/** A call with an empty request and a small answer: what is left is the transport and the house around a handler. */
async function smallCalls(peers: readonly Peer[]): Promise<BenchValue[]> {
  const [raw, stock, ours] = peers as [Peer, Peer, Peer];
  const request = new Uint8Array(0);
  const answer = await ours.client.call(SMALL, request);
  deepStrictEqual(answer, await stock.client.call(SMALL, request));
  const path = ({ name }: Peer) => (name === raw.name ? rawPath(answer.length) : SMALL);
  const cpu = await inTurns(peers, { rounds: 7, warmUp: 3 }, async (peer) => {
    const before = await peer.server.cpuMicros();
    let left = CALLS;
    const caller = async () => {
      while (left-- > 0) await peer.client.call(path(peer), request);
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
    return ((await peer.server.cpuMicros()) - before) / CALLS;
  });
  const alone = await inTurns(peers, { rounds: 5, warmUp: 1 }, async (peer) => {
    const each: number[] = [];
    for (let at = 0; at < CALLS_ALONE; at++) {
      each.push(await milliseconds(() => peer.client.call(path(peer), request)));
    }
    return summarize(each).median * 1000;
  });
  const cpuName = "server CPU of a small unary call, 64 callers";
  const rawCpu = { name: "raw node http2", rounds: cpu.get("raw") };
  const rawAlone = { name: "raw node http2", rounds: alone.get("raw") };
  return [
    benchValue(`${cpuName}, raw node http2`, "µs", cpu.get("raw")),
    benchValue(`${cpuName}, Connect as it comes`, "µs", cpu.get("stock"), rawCpu),
    benchValue(cpuName, "µs", cpu.get("worldservice"), { ...rawCpu, atMost: 3 }),
    benchValue("p50 of a small unary call, one caller", "µs", alone.get("worldservice"), rawAlone),
    benchValue(
      "p50 of a small unary call, one caller, Connect as it comes",
      "µs",
      alone.get("stock"),
      rawAlone,
    ),
  ];
}

/** The raw server answers with as many bytes as its path says. */
const rawPath = (answerBytes: number) => `/${answerBytes}`;

/** Rows of the plans, how many calls make a sample, and the Python service's time where it was measured. */
const PLANS = [
  { count: 1_000, calls: 20, python: { ms: 12.6, times: 10 } },
  { count: 10_000, calls: 5, python: { ms: 173, times: 50 } },
  { count: 100_000, calls: 1, python: undefined },
] as const;

async function plans(peers: readonly Peer[]): Promise<BenchValue[]> {
  const values: BenchValue[] = [];
  for (const plan of PLANS) values.push(...(await planValues(peers, plan)));
  return values;
}

async function planValues(peers: readonly Peer[], plan: (typeof PLANS)[number]): Promise<BenchValue[]> {
  const [raw, stock, ours] = peers as [Peer, Peer, Peer];
  const { rows, table } = makeBook(plan.count, SYMBOLS.some);
  const answer = answerBytes(decodeOrdinarily(rows));
  for (const { client } of [stock, ours]) {
    for (const request of [rows, table]) deepStrictEqual(await client.call(PLAN, request), answer);
  }
  const ways = [
    { name: "raw", work: () => raw.client.call(rawPath(answer.length), rows) },
    { name: "stock", work: () => stock.client.call(PLAN, rows) },
    { name: "rows", work: () => ours.client.call(PLAN, rows) },
    { name: "columns", work: () => ours.client.call(PLAN, table) },
    { name: "compute", work: async () => planOf(decodeByHand(rows)) },
  ];
  const measured = await inTurns(ways, { rounds: 7, warmUp: 3 }, async ({ work }) => {
    const each: number[] = [];
    for (let at = 0; at < plan.calls; at++) each.push(await milliseconds(work));
    return summarize(each).median;
  });
  return planReport(plan, measured);
}

const COMPUTE_AND_PASS_LIMIT = 2;
const STOCK_LIMIT = 0.2;

function planReport(
  { count, python }: (typeof PLANS)[number],
  measured: ReadonlyMap<string, Rounds>,
): BenchValue[] {
  const name = `PlanRebalance over a socket, ${count.toLocaleString("en")}`;
  const of = (way: string) => measured.get(way) ?? summarize([]);
  const stock = { name: "Connect as it comes", rounds: of("stock") };
  const [rows, least] = [of("rows"), of("compute").median + of("raw").median];
  const values: BenchValue[] = [
    benchValue(`${name} rows, Connect as it comes`, "ms", of("stock")),
    benchValue(`${name} rows, bytes alone over raw node http2`, "ms", of("raw"), stock),
    benchValue(`${name} rows`, "ms", rows, count === 100_000 ? { ...stock, atMost: STOCK_LIMIT } : stock),
    benchValue(`${name} columns`, "ms", of("columns"), stock),
  ];
  if (count === 100_000) {
    const ratio = rows.median / least;
    const against = "reading + planning + the bytes over raw node http2";
    const limit = atMost(ratio, COMPUTE_AND_PASS_LIMIT);
    values.push({
      name: `${name} rows, beside its parts`,
      value: rows.median,
      unit: "ms",
      ratio,
      against,
      ...limit,
    });
  }
  if (python !== undefined) {
    const ratio = python.ms / rows.median;
    const against = `the Python service's ${python.ms} ms, as recorded`;
    const limit = atLeast(ratio, python.times);
    values.push({
      name: `${name} rows, times faster`,
      value: rows.median,
      unit: "ms",
      ratio,
      against,
      ...limit,
    });
  }
  return values;
}
