/** Many subscribers that come and go while servers stop and the log is trimmed: the six promises hold throughout. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { StartPosition } from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { openRedisStore } from "../../../src/adapters/redis/index.ts";
import { trimOnce } from "../../../src/orchestration/retention/janitor.ts";
import type { LogEntry } from "../../../src/ports/event-log.ts";
import type { OpenedStore } from "../../../src/ports/opened-store.ts";
import { capture, lastCursor, type StreamCapture } from "../../support/feed-capture.ts";
import { randomOf } from "../../support/feed-random.ts";
import {
  commit,
  decisions,
  type FeedServer,
  openMemory,
  startFeedServer,
} from "../../support/feed-server.ts";
import { type Subscriber, violations } from "../../support/feed-validators.ts";
import { redisUrl } from "../../support/redis.ts";

const WORLDS = ["w1", "w2", "w3", "w4", "w5"];
const RUN_MS = 6_000;
const KEEP = 2_000;
const SEED = Number(process.env.SEED ?? 1);

/** Small enough that subscribers fall off the ring and catch up from the store all the time. */
const LIMITS = { ringEvents: 64, pageCommits: 32, chunkFrames: 8 };

interface Place {
  /** Whichever servers run now. */
  servers: FeedServer[];
  readonly stores: readonly OpenedStore[];
  /** What is not over yet. */
  readonly isRunning: () => boolean;
  /** Resolves when nothing is committed any more. */
  readonly written: Promise<void>;
}

/** Subscribers share a few connections: opening one for each would be all that the run has time for. */
const connections = new WeakMap<FeedServer, Transport[]>();

function transportTo(server: FeedServer, random: () => number): Transport {
  const baseUrl = server.url;
  const known = connections.get(server) ?? [
    ...Array.from({ length: 4 }, () => createGrpcTransport({ baseUrl })),
    createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
  ];
  connections.set(server, known);
  return known[Math.floor(random() * known.length)] as Transport;
}

/** Follows, is cut off after 50 to 500 ms, comes back with its cursor, until the end; then reads to the head. */
async function follow(place: Place, number: number): Promise<Subscriber> {
  const random = randomOf(SEED * 1_000 + number);
  const worlds = number % 3 === 0 ? [WORLDS[number % WORLDS.length] ?? "w1"] : undefined;
  const version = number % 2 === 0 ? "v1" : "v2";
  const streams: StreamCapture[] = [];
  const once = async (signal: AbortSignal | undefined, until: number) => {
    const server = place.servers[Math.floor(random() * place.servers.length)];
    if (server === undefined) return;
    const before = streams.at(-1);
    const afterCursor = before === undefined ? "" : lastCursor(before);
    const start = afterCursor === "" ? { start: StartPosition.SNAPSHOT } : {};
    const found = await capture(
      transportTo(server, random),
      version,
      { ...(worlds && { worldIds: worlds }), afterCursor, ...start },
      (seen) => seen.kind !== "topic" && seen.revision >= until,
      signal,
    );
    if (found.end?.reason === "CURSOR_COMPACTED")
      streams.length = 0; // it begins again, as a subscriber must
    else if (found.seen.some(({ kind }) => kind !== "topic")) streams.push(found);
  };
  while (place.isRunning())
    await once(AbortSignal.timeout(50 + Math.floor(random() * 450)), Number.POSITIVE_INFINITY);
  await place.written;
  const { head } = (await place.stores[0]?.log.window()) ?? { head: { revision: 0 } };
  for (let tries = 0; tries < 20 && reached(streams) < head.revision; tries++)
    await once(undefined, head.revision);
  expect(reached(streams), `subscriber ${number} reached the head`).to.equal(head.revision);
  return { name: `subscriber ${number}`, streams, ...(worlds && { worlds: new Set(worlds) }) };
}

function reached(streams: readonly StreamCapture[]): number {
  const last = streams.at(-1)?.seen.findLast((seen) => seen.kind !== "topic");
  return last === undefined ? 0 : last.revision;
}

/** Commits of one to five events; every one is kept as the truth, since the log is trimmed. */
async function write(stores: readonly OpenedStore[], isRunning: () => boolean): Promise<void> {
  const random = randomOf(SEED);
  for (let at = 0; isRunning(); at++) {
    const store = stores[at % stores.length];
    if (store === undefined) return;
    const events = Array.from({ length: 1 + Math.floor(random() * 5) }, (_, index) =>
      decisions(WORLDS[Math.floor(random() * WORLDS.length)] ?? "w1", `${at}-${index}`),
    );
    await commit(store, ...events);
    if (random() < 0.5) await sleep(random() * 10);
  }
}

/** Reads everything as it comes, before it can be trimmed. */
async function record(store: OpenedStore, isRunning: () => boolean): Promise<LogEntry[]> {
  const truth: LogEntry[] = [];
  for (;;) {
    const entries = await store.log.readAfter(truth.length, 1_000);
    truth.push(...entries);
    if (entries.length === 0 && !isRunning()) return truth;
    if (entries.length === 0) await sleep(5);
  }
}

async function chaos(stores: readonly OpenedStore[], subscribers: number): Promise<void> {
  const deadline = performance.now() + RUN_MS;
  const isRunning = () => performance.now() < deadline;
  const first = stores[0];
  if (first === undefined) throw new Error("no store");
  for (const world of WORLDS) await commit(first, decisions(world, "first"));
  const options = {
    limits: LIMITS,
    bookmarkIntervalMs: 200,
    edge: { limits: { maxStreamsPerConnection: 1_000 } },
  };
  const place: Place = {
    servers: await Promise.all(stores.map((opened) => startFeedServer({ opened, ...options }))),
    stores,
    isRunning,
    written: write(stores, isRunning),
  };
  const restarts = async () => {
    for (let round = 0; isRunning(); round++) {
      await sleep(700);
      const victim = round % stores.length;
      const opened = stores[victim];
      const old = place.servers[victim];
      if (opened === undefined || old === undefined) continue;
      const next = await startFeedServer({ opened, ...options });
      place.servers = place.servers.with(victim, next);
      await old.stop();
      await trimOnce(opened.log, KEEP);
    }
  };
  const [truth, , ...seen] = await Promise.all([
    record(first, isRunning),
    restarts(),
    ...Array.from({ length: subscribers }, (_, number) => follow(place, number)),
  ]);
  const resumes = seen.reduce((sum, { streams }) => sum + streams.length - 1, 0);
  const stops = Promise.all(place.servers.map((server) => server.stop()));
  expect(violations(seen, truth), `seed ${SEED}`).to.deep.equal([]);
  expect(truth.length, "commits").to.be.greaterThan(100);
  expect(resumes, "resumes").to.be.greaterThan(subscribers);
  await stops;
  for (const server of place.servers) expect(server.hub.activeSubscriptions()).to.equal(0);
}

describe("the feed under chaos", function () {
  this.timeout(60_000);

  it("keeps its six promises to 200 subscribers of one server that restarts and trims", async () => {
    const store = await openMemory();
    await chaos([store], 200);
    await store.close();
  });

  it("keeps its six promises over three servers on one Redis", async () => {
    const url = redisUrl();
    const book = `feed-chaos-${process.pid}-${Date.now()}`;
    const open = () =>
      openRedisStore({ url, book, lockTtlMs: 5_000, durability: "fsync", allowDegraded: true });
    const stores = [await open(), await open(), await open()];
    await chaos(stores, 100);
    for (const store of stores) await store.close();
  });
});
