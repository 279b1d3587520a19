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
import { type ServerProcess, startServerProcess } from "../../support/server-process.ts";

const WORLDS = ["w1", "w2", "w3", "w4", "w5"];
const RUN_MS = 6_000;
const MIN_COMMITS = 150;
/** Every server has gone away at least once by then, and with it every subscriber's stream. */
const MIN_FAULTS = 4;
const KEEP = 2_000;
const SEED = Number(process.env.SEED ?? 1);

/** Small enough that subscribers fall off the ring and catch up from the store all the time. */
const LIMITS = { ringEvents: 64, pageCommits: 32, chunkFrames: 8 };

interface Place {
  /** Whichever servers run now. */
  servers: readonly { readonly url: string }[];
  readonly stores: readonly OpenedStore[];
  /** What is not over yet. */
  readonly isRunning: () => boolean;
  /** How often a subscriber came back with its cursor. */
  readonly resumed: { count: number };
  /** Resolves when nothing is committed any more. */
  readonly written: Promise<void>;
}

/** Subscribers share a few connections: opening one for each would be all that the run has time for. */
const connections = new WeakMap<object, Transport[]>();

function transportTo(server: { readonly url: string }, random: () => number): Transport {
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
    if (afterCursor !== "") place.resumed.count++;
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

/** Bursts of commits of one to five events each. */
async function write(
  stores: readonly OpenedStore[],
  written: { commits: number },
  isRunning: () => boolean,
): Promise<void> {
  const random = randomOf(SEED);
  for (let burst = 0; isRunning(); burst++) {
    const store = stores[burst % stores.length] as OpenedStore;
    const size = 1 + Math.floor(random() * 10);
    await Promise.all(
      Array.from({ length: size }, (_, at) => commit(store, ...someEvents(random, `${burst}-${at}`))),
    );
    written.commits += size;
    if (random() < 0.5) await sleep(random() * 10);
  }
}

function someEvents(random: () => number, tag: string) {
  return Array.from({ length: 1 + Math.floor(random() * 5) }, (_, index) =>
    decisions(WORLDS[Math.floor(random() * WORLDS.length)] ?? "w1", `${tag}-${index}`),
  );
}

/** Reads everything as it comes, before it can be trimmed, until nothing more is committed. */
async function record(store: OpenedStore, isWriting: () => boolean): Promise<LogEntry[]> {
  const truth: LogEntry[] = [];
  for (;;) {
    const mayGrow = isWriting(); // asked first: what is committed meanwhile is read the next time
    const entries = await store.log.readAfter(truth.length, 1_000);
    truth.push(...entries);
    if (entries.length === 0 && !mayGrow) return truth;
    if (entries.length === 0) await sleep(5);
  }
}

/** Servers over the stores, and what goes wrong with them. */
interface Fleet {
  readonly servers: () => readonly { readonly url: string }[];
  /** One fault: a server ends and another takes its place. */
  fault(round: number): Promise<void>;
  /** Ends all, after checking that they hold nothing. */
  stop(): Promise<void>;
}

/** Servers of this process: they stop in order, and show that no subscription is left. */
async function ownFleet(stores: readonly OpenedStore[]): Promise<Fleet> {
  const options = {
    limits: LIMITS,
    bookmarkIntervalMs: 200,
    edge: { limits: { maxStreamsPerConnection: 1_000 } },
  };
  let servers = await Promise.all(stores.map((opened) => startFeedServer({ opened, ...options })));
  return {
    servers: () => servers,
    async fault(round) {
      const victim = round % stores.length;
      const opened = stores[victim] as OpenedStore;
      const old = servers[victim] as FeedServer;
      servers = servers.with(victim, await startFeedServer({ opened, ...options }));
      await old.stop();
      expect(old.hub.activeSubscriptions()).to.equal(0);
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
      for (const server of servers) expect(server.hub.activeSubscriptions()).to.equal(0);
    },
  };
}

/** Whole servers in processes of their own: they are killed. */
async function processFleet(flags: readonly string[], count: number): Promise<Fleet> {
  let servers = await Promise.all(Array.from({ length: count }, () => startServerProcess(flags)));
  return {
    servers: () => servers,
    async fault(round) {
      const victim = round % count;
      const old = servers[victim] as ServerProcess;
      await old.kill();
      servers = servers.with(victim, await startServerProcess(flags));
    },
    async stop() {
      await Promise.all(servers.map((server) => server.kill()));
    },
  };
}

async function chaos(stores: readonly OpenedStore[], fleet: Fleet, subscribers: number): Promise<void> {
  const deadline = performance.now() + RUN_MS;
  const written = { commits: 0 };
  // On a busy machine it takes longer until there is something to miss.
  let faultsDone = 0;
  const isRunning = () =>
    performance.now() < deadline || written.commits < MIN_COMMITS || faultsDone < MIN_FAULTS;
  const first = stores[0] as OpenedStore;
  for (const world of WORLDS) await commit(first, decisions(world, "first"));
  let isWriting = true;
  const place: Place = {
    get servers() {
      return fleet.servers();
    },
    stores,
    isRunning,
    resumed: { count: 0 },
    written: write(stores, written, isRunning).finally(() => {
      isWriting = false;
    }),
  };
  const faults = async () => {
    for (let round = 0; isRunning(); round++) {
      await sleep(700);
      await fleet.fault(round);
      faultsDone = round + 1;
      await trimOnce(first.log, KEEP);
    }
  };
  const [truth, , ...seen] = await Promise.all([
    record(first, () => isWriting),
    faults(),
    ...Array.from({ length: subscribers }, (_, number) => follow(place, number)),
  ]);
  const stops = fleet.stop();
  expect(violations(seen, truth), `seed ${SEED}`).to.deep.equal([]);
  expect(place.resumed.count, "resumes").to.be.greaterThan(subscribers);
  await stops;
}

describe("the feed under chaos", function () {
  this.timeout(60_000);

  it("keeps its six promises to 200 subscribers of one server that restarts and trims", async () => {
    const store = await openMemory();
    await chaos([store], await ownFleet([store]), 200);
    await store.close();
  });

  const onRedis = async (work: (stores: readonly OpenedStore[], book: string) => Promise<void>) => {
    const book = `feed-chaos-${process.pid}-${Date.now()}`;
    const options = {
      url: redisUrl(),
      book,
      lockTtlMs: 5_000,
      durability: "fsync",
      allowDegraded: true,
    } as const;
    const stores = await Promise.all([1, 2, 3].map(() => openRedisStore(options)));
    await work(stores, book);
    for (const store of stores) await store.close();
  };

  it("keeps its six promises over three servers on one Redis", () =>
    onRedis(async (stores) => chaos(stores, await ownFleet(stores), 100)));

  it("keeps its six promises over three server processes on one Redis that are killed", () =>
    onRedis(async (stores, book) => {
      const flags = [
        `--store=${redisUrl()}`,
        `--book=${book}`,
        "--bookmark-interval=1s",
        "--allow-degraded-durability=true",
      ];
      await chaos(stores, await processFleet(flags, 3), 40);
    }));
});
