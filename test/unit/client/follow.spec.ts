import { once } from "node:events";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter, createRouterTransport } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { expect } from "chai";
import {
  ControlBusService,
  StartPosition,
  type SubscribeRequest,
  SubscribeResponseSchema,
} from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { ErrorInfoSchema } from "#thirdparty/google/rpc/error_details_pb.ts";
import {
  createClients,
  FeedGapError,
  type FeedMessageV2,
  type FollowOptions,
  follow,
} from "../../../src/client/index.ts";
import { connectNode } from "../../../src/client/node.ts";

type Response = MessageInitShape<typeof SubscribeResponseSchema>;

const topic = (latestCursor = "c0"): Response => ({
  message: { case: "topic", value: { topic: "worldservice.main", schemaVersion: 2, latestCursor } },
});
const batch = (revision: number): Response => ({
  message: {
    case: "batch",
    value: {
      revision: BigInt(revision),
      cursor: `c${revision}`,
      events: [{ id: `e${revision}`, worldId: "w" }],
    },
  },
});
const bookmark = (revision: number): Response => ({
  message: { case: "bookmark", value: { revision: BigInt(revision), cursor: `c${revision}` } },
});
const snapshot = (revision: number): Response => ({
  message: { case: "snapshot", value: { revision: BigInt(revision), cursor: `c${revision}`, worlds: [] } },
});

function refusal(code: Code, reason: string, metadata: Record<string, string> = {}): ConnectError {
  const info = { desc: ErrorInfoSchema, value: { reason, domain: "worldservice", metadata } };
  return new ConnectError(reason.toLowerCase(), code, undefined, [info]);
}

/** What one connection sends; `hang` = nothing more, without ending. */
type Step = Response | ConnectError | "hang";

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
}

/** A feed that plays one list of steps per connection, and the list of what was asked of it. */
function setUp(connections: readonly (readonly Step[])[]) {
  const asked: SubscribeRequest[] = [];
  const left = [...connections];
  let ended = 0;
  const transport = createRouterTransport(({ service }) => {
    service(ControlBusService, {
      async *subscribe(request, { signal }) {
        asked.push(request);
        try {
          for (const step of left.shift() ?? []) {
            if (step instanceof ConnectError) throw step;
            if (step === "hang") await aborted(signal);
            else yield create(SubscribeResponseSchema, step);
          }
        } finally {
          ended += 1;
        }
      },
    });
  });
  const pauses: number[] = [];
  const timing = {
    random: () => 1,
    sleep: async (ms: number) => {
      pauses.push(ms);
    },
  };
  const start = (options: FollowOptions = {}) =>
    follow(createClients(transport).v2.controlBus, {
      timing,
      backoff: { baseMs: 100, maxMs: 1_000 },
      ...options,
    });
  return { asked, pauses, start, ended: () => ended };
}

/** Reads until `count` messages other than topics came. */
async function read(feed: AsyncIterable<FeedMessageV2>, count: number): Promise<string[]> {
  const seen: string[] = [];
  for await (const { case: kind, value } of feed) {
    if (kind === "topic") continue;
    seen.push(`${kind} ${value.revision}`);
    if (seen.length === count) break;
  }
  return seen;
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.fail("it did not fail"),
    (error: unknown) => error,
  );
}

const BROKEN = new ConnectError("connection reset", Code.Unavailable);

describe("following the feed", () => {
  it("resumes behind the newest cursor, and hands out each batch once", async () => {
    const { start, asked } = setUp([
      [topic(), batch(1), batch(2), BROKEN],
      [topic(), batch(2), batch(3), bookmark(5), BROKEN],
      [topic(), batch(6)],
    ]);
    const seen = await read(start({ start: StartPosition.EARLIEST }), 5);
    expect(seen).to.deep.equal(["batch 1", "batch 2", "batch 3", "bookmark 5", "batch 6"]);
    expect(asked.map(({ start, afterCursor }) => [start, afterCursor])).to.deep.equal([
      [StartPosition.EARLIEST, ""],
      [StartPosition.UNSPECIFIED, "c2"],
      [StartPosition.UNSPECIFIED, "c5"],
    ]);
  });

  it("loses nothing between the topic and the first batch", async () => {
    const { start, asked } = setUp([
      [topic("c7"), BROKEN],
      [topic("c9"), batch(8)],
    ]);
    expect(await read(start(), 1)).to.deep.equal(["batch 8"]);
    expect(asked[1]?.afterCursor).to.equal("c7");
  });

  it("asks for the snapshot again until it came, and then goes on behind it", async () => {
    const { start, asked } = setUp([
      [topic("c9"), BROKEN],
      [topic(), snapshot(9), BROKEN],
      [topic(), batch(10)],
    ]);
    expect(await read(start({ start: StartPosition.SNAPSHOT }), 2)).to.deep.equal(["snapshot 9", "batch 10"]);
    expect(asked.map(({ start, afterCursor }) => [start, afterCursor])).to.deep.equal([
      [StartPosition.SNAPSHOT, ""],
      [StartPosition.SNAPSHOT, ""],
      [StartPosition.UNSPECIFIED, "c9"],
    ]);
  });

  it("waits longer with every failure in a row, up to a limit, and starts anew once something came", async () => {
    const { start, pauses } = setUp([
      ...Array.from({ length: 5 }, () => [BROKEN]),
      [topic(), BROKEN],
      [topic(), batch(1), BROKEN],
      [topic(), batch(2)],
    ]);
    await read(start({ start: StartPosition.EARLIEST }), 2);
    expect(pauses).to.deep.equal([100, 200, 400, 800, 1_000, 1_000, 100]);
  });

  it("spreads its pauses over the whole span (full jitter)", async () => {
    const pauses: number[] = [];
    const numbers = [0, 0.25];
    const { start } = setUp([[BROKEN], [BROKEN], [topic(), batch(1)]]);
    const timing = {
      random: () => numbers.shift() ?? 1,
      sleep: async (ms: number) => {
        pauses.push(ms);
      },
    };
    await read(start({ timing, start: StartPosition.EARLIEST }), 1);
    expect(pauses).to.deep.equal([0, 50]);
  });

  for (const [code, reason] of [
    [Code.Unavailable, "DRAINING"],
    [Code.Unavailable, "STORE_UNAVAILABLE"],
    [Code.ResourceExhausted, "SUBSCRIBER_TOO_SLOW"],
    [Code.ResourceExhausted, "LIMIT_EXCEEDED"],
    [Code.Internal, "INTERNAL"],
  ] as const) {
    it(`comes again after ${reason}`, async () => {
      const { start, asked } = setUp([
        [topic(), batch(1), refusal(code, reason)],
        [topic(), batch(2)],
      ]);
      expect(await read(start(), 2)).to.deep.equal(["batch 1", "batch 2"]);
      expect(asked[1]?.afterCursor).to.equal("c1");
    });
  }

  it("comes again when the server ends the stream without a word", async () => {
    const { start } = setUp([
      [topic(), batch(1)],
      [topic(), batch(2)],
    ]);
    expect(await read(start(), 2)).to.deep.equal(["batch 1", "batch 2"]);
  });

  it("gives a silent connection up and comes again", async () => {
    const { start, asked } = setUp([
      [topic(), batch(1), "hang"],
      [topic(), batch(2)],
    ]);
    expect(await read(start({ silenceMs: 30 }), 2)).to.deep.equal(["batch 1", "batch 2"]);
    expect(asked[1]?.afterCursor).to.equal("c1");
  });

  it("does not take a slow reader for a silent server", async () => {
    const { start, asked } = setUp([[topic(), batch(1), batch(2), "hang"]]);
    let seen = 0;
    for await (const message of start({ silenceMs: 40 })) {
      if (message.case !== "batch") continue;
      seen += 1;
      if (seen === 2) break;
      await new Promise((resolve) => setTimeout(resolve, 120));
    }
    expect(asked).to.have.length(1);
  });

  for (const [code, reason, metadata] of [
    [Code.OutOfRange, "CURSOR_COMPACTED", { earliest_cursor: "c90" }],
    [Code.DataLoss, "CURSOR_DIVERGED", {}],
  ] as const) {
    it(`ends with a clear error for ${reason}: a snapshot is the caller's decision`, async () => {
      const { start, asked } = setUp([[topic(), batch(1), BROKEN], [refusal(code, reason, metadata)]]);
      const error = await failure(read(start(), 9));
      expect(error).to.be.instanceOf(FeedGapError);
      const { cursor, earliestCursor, message } = error as FeedGapError;
      expect({ reason: (error as FeedGapError).reason, cursor }).to.deep.equal({ reason, cursor: "c1" });
      expect(earliestCursor).to.equal(reason === "CURSOR_COMPACTED" ? "c90" : "");
      expect(message).to.contain("take a snapshot");
      expect(asked).to.have.length(2);
    });
  }

  for (const [code, reason] of [
    [Code.InvalidArgument, "CURSOR_INVALID"],
    [Code.NotFound, "WORLD_NOT_FOUND"],
    [Code.Unauthenticated, "UNAUTHENTICATED"],
    [Code.PermissionDenied, "PERMISSION_DENIED"],
    [Code.Unimplemented, "UNIMPLEMENTED"],
    [Code.PermissionDenied, ""],
  ] as const) {
    it(`ends with ${reason || "an error of a proxy"}, which coming again does not mend`, async () => {
      const { start, asked } = setUp([
        [reason === "" ? new ConnectError("no", code) : refusal(code, reason)],
      ]);
      expect(ConnectError.from(await failure(read(start(), 1))).code).to.equal(code);
      expect(asked).to.have.length(1);
    });
  }

  it("ends without an error when its signal aborts, while it waits for an event", async () => {
    const stop = new AbortController();
    const { start, ended } = setUp([[topic(), batch(1), "hang"]]);
    const seen: string[] = [];
    for await (const { case: kind } of start({ signal: stop.signal })) {
      seen.push(kind);
      if (kind === "batch") setTimeout(() => stop.abort(), 10);
    }
    expect(seen).to.deep.equal(["topic", "batch"]);
    expect(ended()).to.equal(1);
  });

  it("ends without an error when its signal aborts during a pause, or before it began", async () => {
    const stop = new AbortController();
    const timing = { random: () => 1, sleep: async () => stop.abort() };
    const { start, asked } = setUp([[BROKEN]]);
    expect(await read(start({ signal: stop.signal, timing }), 1)).to.deep.equal([]);
    expect(await read(start({ signal: stop.signal }), 1)).to.deep.equal([]);
    expect(asked).to.have.length(1);
  });

  it("ends the stream on the server when the reader leaves the loop", async () => {
    const over = Promise.withResolvers<void>();
    const routes = (router: ConnectRouter) =>
      router.service(ControlBusService, {
        async *subscribe(_request, { signal }) {
          yield create(SubscribeResponseSchema, topic());
          yield create(SubscribeResponseSchema, batch(1));
          await aborted(signal);
          over.resolve();
        },
      });
    const server = http2.createServer(connectNodeAdapter({ routes })).listen(0, "127.0.0.1");
    await once(server, "listening");
    const connection = connectNode(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    await read(follow(connection.clients.v2.controlBus), 1);
    await over.promise; // else the time limit strikes
    connection.close();
    server.close();
  });
});
