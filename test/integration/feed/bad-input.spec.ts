import { once } from "node:events";
import http2 from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import {
  type EventType,
  StartPosition,
  SubscribeRequestSchema,
} from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { decodeCursor, encodeCursor } from "../../../src/rpc/feed/cursor.ts";
import { capture, lastCursor, revisions, type SubscribeOptions } from "../../support/feed-capture.ts";
import { commitMany, type FeedServer, openMemory, startFeedServer } from "../../support/feed-server.ts";

const PATH = "/worldservice.v2.ControlBusService/Subscribe";

for (const name of ["gRPC", "gRPC-Web"] as const) {
  describe(`bad input to the feed by ${name}`, () => {
    let server: FeedServer;

    beforeEach(async () => {
      server = await startFeedServer();
      await commitMany(server.opened, 5, ["w1"]);
    });
    afterEach(() => server.stop());

    const end = async (options: SubscribeOptions, url = server.url) => {
      const transport =
        name === "gRPC"
          ? createGrpcTransport({ baseUrl: url })
          : createGrpcWebTransport({ baseUrl: url, httpVersion: "2" });
      const found = await capture(transport, "v2", options, (seen) => seen.kind !== "topic");
      return { ...found.end, seen: found.seen };
    };
    const cursorAt = async (revision: number) => {
      const { storeId } = await server.opened.log.window();
      return encodeCursor({ storeId, revision, hash: (await server.opened.log.hashAt(revision)) ?? "" });
    };

    it("refuses a cursor together with a start", async () => {
      const afterCursor = await cursorAt(3);
      for (const start of [StartPosition.LATEST, StartPosition.EARLIEST, StartPosition.SNAPSHOT]) {
        expect(await end({ afterCursor, start })).to.include({
          code: "InvalidArgument",
          reason: "INVALID_FIELD",
        });
      }
    });

    it("refuses a cursor that was cut anywhere, mistyped or made up", async () => {
      const cursor = await cursorAt(3);
      const wrong = Array.from({ length: cursor.length - 1 }, (_, at) => cursor.slice(0, at + 1));
      wrong.push(
        `${cursor}A`,
        `A${cursor}`,
        ` ${cursor}`,
        "%",
        "random",
        "A".repeat(1024),
        cursor.toUpperCase(),
      );
      for (const afterCursor of wrong) {
        expect(await end({ afterCursor }), afterCursor).to.include({
          code: "InvalidArgument",
          reason: "CURSOR_INVALID",
        });
      }
    });

    it("refuses a cursor longer than any with the field's name", async () => {
      expect(await end({ afterCursor: "A".repeat(1025) })).to.include({ reason: "INVALID_FIELD" });
    });

    it("finds a cursor of another book, of the future, or of another history diverged", async () => {
      const other = await openMemory();
      await commitMany(other, 5, ["w1"]);
      const { storeId, head } = await other.log.window();
      await other.close();
      const own = decodeCursor(await cursorAt(3));
      const cursors = [
        { storeId, ...head },
        { ...own, revision: 6 },
        { ...own, revision: Number.MAX_SAFE_INTEGER },
        { ...own, hash: "0".repeat(40) },
        { ...own, revision: 4 },
        { ...own, hash: "" },
      ];
      for (const cursor of cursors) {
        expect(await end({ afterCursor: encodeCursor(cursor) })).to.include({
          code: "DataLoss",
          reason: "CURSOR_DIVERGED",
        });
      }
    });

    it("holds the border of the window: two before the floor are gone, the floor itself resumes", async () => {
      const cursors = await Promise.all([1, 2, 3, 4].map(cursorAt));
      await server.opened.log.trimTo(3); // the first commit that can be read is 4
      for (const cursor of cursors.slice(0, 2)) {
        const gone = await end({ afterCursor: cursor });
        expect(gone).to.include({ code: "OutOfRange", reason: "CURSOR_COMPACTED" });
        const earliest = gone.metadata?.earliest_cursor ?? "";
        expect(earliest).to.equal(cursors[2]);
      }
      for (const [at, first] of [
        [2, 4],
        [3, 5],
      ] as const) {
        const { seen } = await end({ afterCursor: cursors[at] ?? "" });
        expect(seen.at(-1)).to.include({ kind: "batch", revision: first });
      }
    });

    it("refuses the worlds that the book has never seen", async () => {
      const refused = await end({ worldIds: ["w1", "nobody"] });
      expect(refused).to.include({ code: "NotFound", reason: "WORLD_NOT_FOUND" });
      expect(refused.metadata).to.deep.equal({ world_id: "nobody" });
    });

    it("refuses event types that do not exist, also the unspecified one", async () => {
      for (const type of [0, 99] as EventType[]) {
        expect(await end({ types: [type] })).to.include({ code: "InvalidArgument", reason: "INVALID_FIELD" });
      }
    });

    it("follows 10,000 worlds and refuses 10,001", async () => {
      const worldIds = Array.from({ length: 10_000 }, (_, at) => `world-${at}`);
      await commitMany(server.opened, worldIds.length, worldIds);
      expect((await end({ worldIds })).seen.at(-1)).to.include({ kind: "bookmark" });
      expect(await end({ worldIds: [...worldIds, "w1"] })).to.include({ reason: "INVALID_FIELD" });
    });

    it("refuses subscriptions above its limit and takes them again afterwards", async () => {
      const small = await startFeedServer({ opened: server.opened, limits: { subscriptions: 1 } });
      const first = new AbortController();
      const transport = createGrpcTransport({ baseUrl: small.url });
      const holding = Promise.withResolvers<void>();
      const held = capture(
        transport,
        "v2",
        {},
        () => {
          holding.resolve();
          return false;
        },
        first.signal,
      );
      await holding.promise;
      expect(await end({}, small.url)).to.include({ code: "ResourceExhausted", reason: "LIMIT_EXCEEDED" });
      first.abort();
      await held;
      while (small.hub.activeSubscriptions() > 0) await new Promise((resolve) => setImmediate(resolve));
      expect((await end({}, small.url)).seen.at(-1)).to.include({ kind: "bookmark" });
      await small.stop();
    });

    it("resumes with the earliest cursor that a refusal names", async () => {
      const cursor = await cursorAt(1);
      await server.opened.log.trimTo(4);
      const { metadata } = await end({ afterCursor: cursor });
      const transport = createGrpcTransport({ baseUrl: server.url });
      const found = await capture(
        transport,
        "v2",
        { afterCursor: metadata?.earliest_cursor ?? "" },
        (seen) => seen.kind === "bookmark",
      );
      expect(revisions(found)).to.deep.equal([5]);
      expect(lastCursor(found)).to.equal(await cursorAt(5));
    });
  });
}

describe("hostile subscribers", () => {
  let server: FeedServer;

  beforeEach(async () => {
    server = await startFeedServer();
  });
  afterEach(() => server.stop());

  const frame = () => {
    const message = toBinary(SubscribeRequestSchema, create(SubscribeRequestSchema));
    return Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
  };
  const headers = { ":method": "POST", ":path": PATH, "content-type": "application/grpc", te: "trailers" };

  it("refuses a second message", async () => {
    const session = http2.connect(server.url);
    const stream = session.request(headers);
    const trailers = once(stream, "trailers");
    stream.resume();
    stream.end(Buffer.concat([frame(), frame()]));
    const [{ "grpc-status": status }] = (await trailers) as [http2.IncomingHttpHeaders];
    expect(status).to.equal("12");
    session.close();
  });

  it("survives streams that are reset at once, in a loop, and keeps nothing of them", async () => {
    for (let round = 0; round < 5; round++) {
      const session = http2.connect(server.url);
      session.on("error", () => undefined);
      for (let at = 0; at < 60; at++) {
        const stream = session.request(headers);
        stream.on("error", () => undefined);
        stream.end(frame());
        if (at % 2 === 0) stream.close(http2.constants.NGHTTP2_CANCEL);
        else setImmediate(() => stream.close(http2.constants.NGHTTP2_CANCEL));
      }
      await new Promise((resolve) => setTimeout(resolve, 30));
      session.destroy();
    }
    await commitMany(server.opened, 3, ["w1"]);
    const found = await capture(
      createGrpcTransport({ baseUrl: server.url }),
      "v2",
      { start: StartPosition.EARLIEST },
      (seen) => seen.kind === "bookmark",
    );
    expect(revisions(found)).to.deep.equal([1, 2, 3]);
    while (server.hub.activeSubscriptions() > 0) await new Promise((resolve) => setImmediate(resolve));
  });
});
