/** One server that fans events out, in a process of its own: ours, or a raw node http2 writer as the yardstick. */
import http2, { type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { ControlBusService } from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { openSqliteStore } from "../../../src/adapters/sqlite/index.ts";
import { createEdge } from "../../../src/rpc/edge/create-edge.ts";
import { bytesOf, createFrame } from "../../../src/rpc/feed/frame.ts";
import { createFeedHub } from "../../../src/rpc/feed/hub.ts";
import { controlBusServiceV2, feedPackageV2 } from "../../../src/rpc/v2/control-bus-service.ts";
import { createLoadLog } from "./feed-log.ts";

export type FeedServerKind = "raw" | "shared";

/** What the parent asks for. `publish` appends that many events, `memory` collects garbage and tells the heap. */
export type FeedOrder = { readonly publish: number } | "memory" | "cpu";
export type FeedReport =
  | { readonly port: number }
  | { readonly heapBytes: number }
  | { readonly cpuMicros: number };

const STREAMS = 20_000;

interface Fan {
  readonly port: number;
  publish(count: number): void;
}

/** Every stream gets every event as its own write, as long as it takes them; what waits is an index. */
async function rawFan(): Promise<Fan> {
  const log = createLoadLog("raw");
  const frames: Uint8Array[] = [];
  const positions = new Map<ServerHttp2Stream, number>();
  const blocked = new Set<ServerHttp2Stream>();
  const pump = (stream: ServerHttp2Stream) => {
    let at = positions.get(stream) ?? 0;
    for (let frame = frames[at]; frame !== undefined; frame = frames[at]) {
      at++;
      if (stream.write(frame)) continue;
      blocked.add(stream);
      break;
    }
    positions.set(stream, at);
  };
  const server = http2.createServer({ settings: { maxConcurrentStreams: 1_000 } });
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc+proto" });
    stream.on("error", () => undefined);
    positions.set(stream, frames.length);
    stream.on("drain", () => {
      blocked.delete(stream);
      pump(stream);
    });
    stream.once("close", () => positions.delete(stream));
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  let revision = 0;
  return {
    port: (server.address() as AddressInfo).port,
    async publish(count) {
      log.append(count);
      for (const entry of await log.readAfter(revision, count)) {
        const bytes = bytesOf(createFrame("raw", entry), feedPackageV2, "all");
        if (bytes !== undefined) frames.push(bytes);
      }
      revision += count;
      for (const stream of positions.keys()) if (!blocked.has(stream)) pump(stream);
    },
  };
}

async function ourFan(): Promise<Fan> {
  const log = createLoadLog("0123456789abcdef0123456789abcdef");
  const { store } = await openSqliteStore({ path: ":memory:", book: "main", lockTtlMs: 5_000 });
  const clock = { now: () => Date.now(), monotonic: () => performance.now() };
  const hub = createFeedHub({ store, log, clock, bookmarkIntervalMs: 600_000 });
  const gates = { compatRebalanceV2: true, alphaMetricsRequired: false };
  const edge = createEdge({
    log: pino({ level: "silent" }),
    limits: { maxConnections: STREAMS, maxStreamsPerConnection: 1_000 },
    routes: (router) => {
      router.service(ControlBusService, controlBusServiceV2({ hub, book: "main", gates }));
    },
  });
  const { port } = await edge.listen("127.0.0.1", 0);
  return { port, publish: (count) => log.append(count) };
}

function report(message: FeedReport): void {
  process.send?.(message);
}

function memory(): number {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

const kind = process.argv[2] as FeedServerKind;
const fan = kind === "raw" ? await rawFan() : await ourFan();
process.on("message", (order: FeedOrder) => {
  if (order === "memory") report({ heapBytes: memory() });
  else if (order === "cpu") {
    const { user, system } = process.cpuUsage();
    report({ cpuMicros: user + system });
  } else fan.publish(order.publish);
});
process.once("disconnect", () => process.exit(0));
report({ port: fan.port });
