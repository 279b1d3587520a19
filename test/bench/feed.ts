/**
 * What the feed costs: delivered events per second beside a raw node http2 writer (its own process, the same client,
 * taken in turns), latency at a modest rate, heap per idle subscriber.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { FeedOrder, FeedReport, FeedServerKind } from "./support/feed-server.ts";
import { type Subscribers, subscribe } from "./support/feed-subscribers.ts";

/** One measured value, in the form of the benchmark report. */
export interface BenchValue {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly ratio?: number;
  readonly against?: string;
}

interface Fan {
  readonly port: number;
  send(order: FeedOrder): void;
  ask(order: "memory" | "cpu"): Promise<number>;
  stop(): Promise<void>;
}

interface Shape {
  readonly name: string;
  readonly subscribers: number;
  readonly perConnection: number;
  readonly events: number;
}

const SHAPES: readonly Shape[] = [
  { name: "1 subscriber", subscribers: 1, perConnection: 1, events: 100_000 },
  { name: "100 subscribers, one connection each", subscribers: 100, perConnection: 1, events: 8_000 },
  { name: "1,000 subscribers, one connection each", subscribers: 1_000, perConnection: 1, events: 800 },
  { name: "1,000 subscribers, 100 a connection", subscribers: 1_000, perConnection: 100, events: 1_600 },
];
const ROUNDS = Number(process.env.BENCH_FEED_ROUNDS ?? 5);
/** Published at once, and at most this far ahead of the slowest subscriber: well inside the ring. */
const STEP = 64;
const AHEAD = 1_024;

async function startFan(kind: FeedServerKind): Promise<Fan> {
  const file = fileURLToPath(new URL("support/feed-server.ts", import.meta.url));
  const child = fork(file, [kind], { execArgv: ["--expose-gc"] });
  const answer = async () => (await once(child, "message"))[0] as FeedReport;
  const first = await answer();
  return {
    port: "port" in first ? first.port : 0,
    send: (order) => void child.send(order),
    async ask(order) {
      child.send(order);
      const report = await answer();
      if ("heapBytes" in report) return report.heapBytes;
      return "cpuMicros" in report ? report.cpuMicros : Number.NaN;
    },
    async stop() {
      const exited = once(child, "exit");
      child.disconnect();
      await exited;
    },
  };
}

/** Publishes in steps, never too far ahead. */
async function pour(fan: Fan, subscribers: Subscribers, from: number, events: number): Promise<void> {
  for (let sent = from; sent < from + events; sent += STEP) {
    fan.send({ publish: Math.min(STEP, from + events - sent) });
    await subscribers.reached(Math.max(0, sent - AHEAD));
  }
  await subscribers.reached(from + events);
}

interface Rate {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

async function rate(kind: FeedServerKind, shape: Shape): Promise<Rate> {
  const fan = await startFan(kind);
  const subscribers = await subscribe({
    port: fan.port,
    count: shape.subscribers,
    perConnection: shape.perConnection,
  });
  const warmUp = Math.ceil(shape.events / 4);
  await pour(fan, subscribers, 0, warmUp);
  const cpu = await fan.ask("cpu");
  const startedAt = performance.now();
  await pour(fan, subscribers, warmUp, shape.events);
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpuMicros = (await fan.ask("cpu")) - cpu;
  await subscribers.close();
  await fan.stop();
  const delivered = shape.events * shape.subscribers;
  return { perSecond: delivered / seconds, cpuMicros: cpuMicros / delivered };
}

async function rates(shape: Shape): Promise<BenchValue[]> {
  const found = new Map<FeedServerKind, Rate[]>([
    ["raw", []],
    ["shared", []],
  ]);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [kind, list] of found) list.push(await rate(kind, shape));
  }
  const of = (kind: FeedServerKind, pick: (rate: Rate) => number) =>
    median((found.get(kind) ?? []).map(pick));
  const limit = of("raw", (each) => each.perSecond);
  const ours = of("shared", (each) => each.perSecond);
  const rawName = `feed: raw http2 writer, ${shape.name}`;
  return [
    { name: rawName, value: limit, unit: "events/s" },
    {
      name: `feed: delivered, ${shape.name}`,
      value: ours,
      unit: "events/s",
      ratio: ours / limit,
      against: rawName,
    },
    {
      name: `feed: server CPU, ${shape.name}`,
      value: of("shared", (each) => each.cpuMicros),
      unit: "µs/event",
      ratio: of("shared", (each) => each.cpuMicros) / of("raw", (each) => each.cpuMicros),
      against: rawName,
    },
  ];
}

/** 99th percentile of the time from publishing to arrival, at 20 events a second, beside so many who never read. */
async function latency(kind: FeedServerKind, subscribersCount: number, stalledCount = 0): Promise<number> {
  const fan = await startFan(kind);
  const stalled = await subscribe({ port: fan.port, count: stalledCount, perConnection: 100, reads: false });
  if (stalledCount > 0) {
    fan.send({ publish: 512 }); // closes their windows
    await sleep(500);
  }
  const subscribers = await subscribe({
    port: fan.port,
    count: subscribersCount,
    perConnection: 1,
    times: true,
  });
  const published: number[] = [];
  for (let event = 0; event < 60; event++) {
    published.push(performance.now());
    fan.send({ publish: 1 });
    await sleep(50);
  }
  await subscribers.reached(published.length);
  // The first ones warm the way.
  const times = subscribers.arrivals.flatMap((list) =>
    list.slice(10).map((at, index) => at - (published[index + 10] ?? at)),
  );
  await subscribers.close();
  await stalled.close();
  await fan.stop();
  return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;
}

async function latencies(): Promise<BenchValue[]> {
  const raw: number[] = [];
  const ours: number[] = [];
  for (let round = 0; round < Math.min(3, ROUNDS); round++) {
    raw.push(await latency("raw", 1_000));
    ours.push(await latency("shared", 1_000));
  }
  const against = "feed: p99 delivery, raw http2 writer, 1,000 subscribers";
  return [
    { name: against, value: median(raw), unit: "ms" },
    {
      name: "feed: p99 delivery, 1,000 subscribers",
      value: median(ours),
      unit: "ms",
      ratio: median(ours) / median(raw),
      against,
    },
    ...(await beside()),
  ];
}

/** What 1,000 subscribers that never read do to 100 that do. */
async function beside(): Promise<BenchValue[]> {
  const alone: number[] = [];
  const among: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(await latency("shared", 100));
    among.push(await latency("shared", 100, 1_000));
  }
  const against = "feed: p99 delivery, 100 subscribers alone";
  const value = median(among);
  return [
    { name: against, value: median(alone), unit: "ms" },
    {
      name: "feed: p99 delivery, 100 subscribers beside 1,000 stalled",
      value,
      unit: "ms",
      ratio: value / median(alone),
      against,
    },
  ];
}

async function idleHeap(kind: FeedServerKind, count: number, perConnection: number): Promise<number> {
  const fan = await startFan(kind);
  // What the process learns and keeps from its first thousand subscribers is no subscriber's.
  const warm = await subscribe({ port: fan.port, count: 1_000, perConnection });
  await warm.close();
  await sleep(200);
  const before = await fan.ask("memory");
  const subscribers = await subscribe({ port: fan.port, count, perConnection });
  await sleep(300);
  const after = await fan.ask("memory");
  await subscribers.close();
  await fan.stop();
  return (after - before) / count;
}

async function heaps(): Promise<BenchValue[]> {
  const values: BenchValue[] = [];
  for (const count of [1_000, 5_000]) {
    for (const perConnection of [1, 100]) {
      const bytes = await idleHeap("shared", count, perConnection);
      const name = `feed: heap per idle subscriber, ${count} of them, ${perConnection} a connection`;
      values.push({ name, value: bytes / 1_024, unit: "KiB" });
    }
  }
  return values;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export async function run(): Promise<BenchValue[]> {
  const values: BenchValue[] = [];
  for (const shape of SHAPES) values.push(...(await rates(shape)));
  values.push(...(await latencies()), ...(await heaps()));
  return values;
}
