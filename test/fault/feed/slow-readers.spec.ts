/** Readers that never read, beside readers that do. */
import { once } from "node:events";
import http2 from "node:http2";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ConnectError } from "@connectrpc/connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { StartPosition } from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { decodeCursor } from "../../../src/rpc/feed/cursor.ts";
import { type Subscribers, subscribe } from "../../bench/support/feed-subscribers.ts";
import { capture, endOf, revisions, type StreamEnd } from "../../support/feed-capture.ts";
import {
  commitMany,
  type FeedServer,
  type FeedServerOptions,
  startFeedServer,
} from "../../support/feed-server.ts";

const PATH = "/worldservice.v2.ControlBusService/Subscribe";
const PER_CONNECTION = 100;
/** Enough for the topic message and not for much more: the peer's window closes at once. */
const SMALL_WINDOW = 512;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Streams whose data nobody reads. */
interface Stalled {
  readonly streams: readonly http2.ClientHttp2Stream[];
  readonly sessions: readonly http2.ClientHttp2Session[];
}

async function stall(port: number, count: number, contentType = "application/grpc"): Promise<Stalled> {
  const sessions: http2.ClientHttp2Session[] = [];
  const streams: http2.ClientHttp2Stream[] = [];
  const opened: Promise<unknown>[] = [];
  for (let at = 0; at < count; at++) {
    if (at % PER_CONNECTION === 0) {
      const session = http2.connect(`http://127.0.0.1:${port}`, {
        settings: { initialWindowSize: SMALL_WINDOW },
      });
      session.on("error", () => undefined);
      await once(session, "connect");
      sessions.push(session);
    }
    const headers = { ":method": "POST", ":path": PATH, "content-type": contentType, te: "trailers" };
    const stream = sessions.at(-1)?.request(headers) as http2.ClientHttp2Stream;
    stream.on("error", () => undefined);
    stream.end(Buffer.alloc(5));
    streams.push(stream);
    opened.push(once(stream, "response"));
  }
  await Promise.all(opened);
  return { streams, sessions };
}

/** Reads what waits, and how it ends. */
async function finish(stream: http2.ClientHttp2Stream): Promise<StreamEnd> {
  const trailers = once(stream, "trailers");
  stream.resume();
  const [headers] = (await trailers) as [http2.IncomingHttpHeaders];
  const web = new Headers(
    Object.entries(headers).map(([name, value]) => [name, String(value)] as [string, string]),
  );
  const error = findTrailerError(web);
  return error === undefined ? { code: "ok", reason: "", metadata: {} } : endOf(ConnectError.from(error));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

function heldBytes(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe("slow readers of the feed", function () {
  this.timeout(60_000);
  let server: FeedServer;

  const start = async (options: FeedServerOptions = {}) => {
    server = await startFeedServer({ ...options, edge: { limits: { maxConnections: 10_000 } } });
  };
  afterEach(() => server.stop());

  const pour = async (healthy: Subscribers, from: number, count: number) => {
    for (let sent = from; sent < from + count; sent += 100) {
      await commitMany(server.opened, 100, ["w1", "w2"]);
      await healthy.reached(sent + 100);
    }
  };

  it("costs no memory, harms nobody, and ends each of 1,000 with the cursor to resume from", async () => {
    await start({ limits: { blockedMs: 1_500, ringEvents: 512 } });
    const healthy = await subscribe({ port: server.port, count: 100, perConnection: 10 });
    const { streams, sessions } = await stall(server.port, 1_000);
    expect(server.hub.activeSubscriptions()).to.equal(1_100);
    await pour(healthy, 0, 1_000); // the ring is full and every window closed
    const before = heldBytes();
    await pour(healthy, 1_000, 4_000);
    const grown = heldBytes() - before;
    expect(grown, "bytes held for 4,000 more events").to.be.lessThan(16 * 1024 * 1024);
    await until(() => server.hub.activeSubscriptions() === 100);
    const ends = await Promise.all(streams.map(finish));
    for (const end of ends)
      expect(end).to.include({ code: "ResourceExhausted", reason: "SUBSCRIBER_TOO_SLOW" });
    const transport = createGrpcTransport({ baseUrl: server.url });
    for (const end of [ends[0], ends[499], ends[999]]) {
      const afterCursor = end?.metadata.cursor ?? "";
      const rest = await capture(
        transport,
        "v2",
        { afterCursor },
        (seen) => seen.kind !== "topic" && seen.revision === 5_000,
      );
      const from = decodeCursor(afterCursor).revision;
      expect(revisions(rest)).to.deep.equal(Array.from({ length: 5_000 - from }, (_, at) => from + 1 + at));
    }
    await healthy.close();
    for (const session of sessions) session.destroy();
    await until(() => server.hub.activeSubscriptions() === 0);
  });

  for (const contentType of ["application/grpc", "application/grpc-web", "application/connect+proto"]) {
    it(`leaves nothing of 500 peers that go away while writes to them are blocked (${contentType})`, async () => {
      await start();
      const { sessions } = await stall(server.port, 500, contentType);
      await until(() => server.hub.activeSubscriptions() === 500);
      await commitMany(server.opened, 600, ["w1"]);
      for (const session of sessions) session.destroy();
      await until(() => server.hub.activeSubscriptions() === 0);
    });
  }

  it("ends a stalled reader of gRPC-Web with its cursor, too", async () => {
    await start({ limits: { blockedMs: 200 } });
    const { streams, sessions } = await stall(server.port, 1, "application/grpc-web+proto");
    await commitMany(server.opened, 2_000, ["w1"]);
    await until(() => server.hub.activeSubscriptions() === 0);
    const chunks: Buffer[] = [];
    streams[0]?.on("data", (chunk: Buffer) => chunks.push(chunk));
    await once(streams[0] as http2.ClientHttp2Stream, "end");
    expect(Buffer.concat(chunks).toString("latin1")).to.include("grpc-status: 8");
    for (const session of sessions) session.destroy();
  });

  it("lets a reader that was slow for a while catch up without loss", async () => {
    await start({ limits: { ringEvents: 64 } });
    await commitMany(server.opened, 10, ["w1"]);
    const transport = createGrpcWebTransport({ baseUrl: server.url, httpVersion: "2" });
    let paused = false;
    const found = await capture(transport, "v2", { start: StartPosition.EARLIEST }, (seen) => {
      if (seen.kind === "bookmark" && !paused) {
        paused = true;
        void commitMany(server.opened, 3_000, ["w1"]);
      }
      return seen.kind === "batch" && seen.revision === 3_010;
    });
    expect(revisions(found)).to.deep.equal(Array.from({ length: 3_010 }, (_, at) => at + 1));
  });
});
