import type { Transport } from "@connectrpc/connect";
import { expect } from "chai";
import { EventType, StartPosition } from "#gen/worldservice/v2/control_bus_service_pb.ts";
import {
  batches,
  capture,
  lastCursor,
  revisions,
  type Seen,
  type StreamCapture,
  type SubscribeOptions,
  type Version,
} from "../../support/feed-capture.ts";
import {
  bindings,
  commit,
  commitMany,
  decisions,
  type FeedServer,
  type FeedServerOptions,
  startFeedServer,
} from "../../support/feed-server.ts";
import { TRANSPORT_NAMES, transports } from "../edge/support.ts";

/** The same promises for the shared frames of gRPC and for what Connect serializes, in both packages. */
for (const name of TRANSPORT_NAMES) {
  for (const version of ["v1", "v2"] as const) {
    describe(`the feed by ${name}, ${version}`, () => promises(name, version));
  }
}

function promises(name: string, version: Version): void {
  let server: FeedServer;

  async function start(options: FeedServerOptions = {}): Promise<void> {
    server = await startFeedServer(options);
  }

  afterEach(() => server.stop());

  const transport = (): Transport => {
    const found = transports(server.url).get(name);
    if (found === undefined) throw new Error(`no transport ${name}`);
    return found;
  };
  const follow = (options: SubscribeOptions, stop: (seen: Seen, found: StreamCapture) => boolean) =>
    capture(transport(), version, options, stop);
  const atRevision = (revision: number) => (seen: Seen) => seen.kind !== "topic" && seen.revision >= revision;

  it("says what the stream is before anything happens", async () => {
    await start();
    const { seen } = await follow({}, () => true);
    expect(seen.map(({ kind }) => kind)).to.deep.equal(["topic"]);
  });

  it("starts with the next commit, or with the oldest", async () => {
    await start();
    await commitMany(server.opened, 3, ["w1"]);
    const latest = follow({}, (seen) => {
      if (seen.kind === "bookmark") void commit(server.opened, decisions("w1", "next"));
      return seen.kind === "batch";
    });
    expect(revisions(await latest)).to.deep.equal([4]);
    const earliest = await follow({ start: StartPosition.EARLIEST }, atRevision(4));
    expect(revisions(earliest)).to.deep.equal([1, 2, 3, 4]);
  });

  it("has no gap in the revisions without filter: a commit without events comes empty", async () => {
    await start();
    await commitMany(server.opened, 2, ["w1"]);
    await commit(server.opened);
    await commitMany(server.opened, 1, ["w1"]);
    const all = await follow({ start: StartPosition.EARLIEST }, atRevision(4));
    expect(revisions(all)).to.deep.equal([1, 2, 3, 4]);
    expect(batches(all).map(({ events }) => events.length)).to.deep.equal([1, 1, 0, 1]);
    const some = await follow({ start: StartPosition.EARLIEST, worldIds: ["w1"] }, atRevision(4));
    expect(revisions(some)).to.deep.equal([1, 2, 4]);
  });

  it("is atomic: the events of a commit come in one message", async () => {
    await start();
    await commit(server.opened, decisions("w1", "a"), decisions("w2", "b"), decisions("w1", "c"));
    const found = await follow({ start: StartPosition.EARLIEST }, (seen) => seen.kind === "batch");
    expect(
      batches(found)[0]?.events.map(({ worldId, worldSequence }) => [worldId, worldSequence]),
    ).to.deep.equal([
      ["w1", 1],
      ["w2", 1],
      ["w1", 2],
    ]);
  });

  it("is resumable behind every batch and every bookmark", async () => {
    await start();
    await commitMany(server.opened, 6, ["w1", "w2"]);
    const whole = await follow({ start: StartPosition.EARLIEST }, (seen) => seen.kind === "bookmark");
    for (const seen of whole.seen) {
      if (seen.kind === "topic") continue;
      const rest = await follow({ afterCursor: seen.cursor }, atRevision(6));
      expect(revisions(rest)).to.deep.equal([1, 2, 3, 4, 5, 6].slice(seen.revision));
    }
  });

  it("filters by world and type, and sends what passes of a commit", async () => {
    await start();
    await commit(server.opened, decisions("w1", "a"), decisions("w2", "a"), bindings("w2", "b"));
    await commit(server.opened, decisions("w1", "b"));
    await commit(server.opened, bindings("w2", "c"));
    const options = { start: StartPosition.EARLIEST, worldIds: ["w2"], types: [EventType.BINDINGS_UPDATED] };
    const found = await follow(options, (seen) => seen.kind === "bookmark");
    expect(batches(found).map(({ revision, events }) => [revision, events.length])).to.deep.equal([
      [1, 1],
      [3, 1],
    ]);
    expect(batches(found)[0]?.events[0]).to.include({ worldId: "w2", worldSequence: 2 });
  });

  it("moves the cursor of a filtered stream by bookmarks", async () => {
    await start({ bookmarkIntervalMs: 100 });
    await commit(server.opened, decisions("w2", "a"));
    const found = await follow({ worldIds: ["w2"] }, (seen, { seen: all }) => {
      if (all.length === 2) void commitMany(server.opened, 3, ["w1"]);
      return seen.kind === "bookmark" && seen.revision === 4;
    });
    expect(batches(found)).to.have.length(0);
    const after = follow({ afterCursor: lastCursor(found) }, (seen) => seen.kind === "batch");
    await commit(server.opened, decisions("w1", "x"));
    expect(revisions(await after)).to.deep.equal([5]);
  });

  it("sends bookmarks while nothing happens", async () => {
    await start({ bookmarkIntervalMs: 50 });
    const found = await follow({}, (_, { seen }) => seen.length === 4);
    expect(found.seen.map(({ kind }) => kind)).to.deep.equal(["topic", "bookmark", "bookmark", "bookmark"]);
  });

  it("catches up from the store with what the ring has lost", async () => {
    await start({ limits: { ringEvents: 4, pageCommits: 8, chunkFrames: 3 } });
    await commitMany(server.opened, 50, ["w1", "w2", "w3"]);
    const isLive = Promise.withResolvers<void>();
    const live = follow({}, (seen) => {
      if (seen.kind === "bookmark") isLive.resolve();
      return seen.kind === "batch" && seen.revision === 60;
    });
    await isLive.promise;
    const found = follow({ start: StartPosition.EARLIEST }, atRevision(60));
    const some = follow({ start: StartPosition.EARLIEST, worldIds: ["w2"] }, atRevision(60));
    await commitMany(server.opened, 10, ["w1", "w2"]);
    const all = Array.from({ length: 60 }, (_, at) => at + 1);
    expect(revisions(await found)).to.deep.equal(all);
    const isOfSecond = (revision: number) => (revision <= 50 ? revision % 3 === 2 : revision % 2 === 0);
    expect(revisions(await some)).to.deep.equal(all.filter(isOfSecond));
    expect(revisions(await live)).to.deep.equal(all.slice(50));
  });

  it("ends with a last bookmark and DRAINING when the server stops", async () => {
    await start();
    await commitMany(server.opened, 2, ["w1"]);
    let stopped: Promise<void> | undefined;
    const found = await follow({ start: StartPosition.EARLIEST }, (seen) => {
      if (seen.kind === "bookmark") stopped ??= server.stop();
      return false;
    });
    expect(found.end).to.include({ code: "Unavailable", reason: "DRAINING" });
    expect(found.seen.at(-1)).to.include({ kind: "bookmark", revision: 2 });
    expect(found.seen.filter(({ kind }) => kind === "bookmark")).to.have.length(2);
    await stopped;
  });

  it("lets go of a subscriber that goes away", async () => {
    await start();
    let during = 0;
    await follow({}, () => {
      during = server.hub.activeSubscriptions();
      return true;
    });
    expect(during).to.equal(1);
    while (server.hub.activeSubscriptions() > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it("ends a call at the deadline of its caller", async () => {
    await start();
    const found = await capture(
      {
        ...transport(),
        stream: (method, signal, _, ...rest) => transport().stream(method, signal, 100, ...rest),
      },
      version,
      {},
    );
    expect(found.end?.code).to.equal("DeadlineExceeded");
    while (server.hub.activeSubscriptions() > 0) await new Promise((resolve) => setImmediate(resolve));
  });
}
