import { expect } from "chai";
import type { OpenedStore } from "../../../../src/ports/opened-store.ts";
import { decodeCursor } from "../../../../src/rpc/feed/cursor.ts";
import {
  createFeedHub,
  type FeedHub,
  type FeedOptions,
  type FeedPackage,
} from "../../../../src/rpc/feed/hub.ts";
import type { FeedQuery } from "../../../../src/rpc/feed/start.ts";
import type { Subscription } from "../../../../src/rpc/feed/subscription.ts";
import { openMemory } from "../../../support/feed-server.ts";
import { countingEncoder, createFaultyLog, type FaultyLog } from "./support.ts";

const FROM_LATEST: FeedQuery = { worldIds: [], types: [], start: undefined, afterCursor: "" };
const FROM_EARLIEST: FeedQuery = { ...FROM_LATEST, start: "EARLIEST" };
const LIMITS = { checkIntervalMs: 20, storePatienceMs: 50, blockedMs: 1e9 };

describe("the hub of the feed", () => {
  let log: FaultyLog;
  let opened: OpenedStore;
  let hub: FeedHub;
  let nowMs: number;
  let format: FeedPackage & { readonly encoded: string[] };

  beforeEach(async () => {
    log = createFaultyLog();
    opened = await openMemory();
    nowMs = 0;
    format = Object.assign(countingEncoder(), { snapshotFrame: () => Buffer.alloc(5) });
  });
  afterEach(async () => {
    log.outage(false);
    await hub.close(new Error("over"));
    await opened.close();
  });

  function start(limits: FeedOptions["limits"] = {}, bookmarkIntervalMs = 1e9): void {
    const clock = { now: () => nowMs, monotonic: () => nowMs };
    hub = createFeedHub({
      store: opened.store,
      log,
      clock,
      bookmarkIntervalMs,
      limits: { ...LIMITS, ...limits },
    });
  }

  async function open(
    query: FeedQuery = FROM_LATEST,
    signal = new AbortController().signal,
  ): Promise<Subscription> {
    const { subscription } = await hub.open(format, query, signal);
    return subscription;
  }

  /** Reads up to the bookmark that follows catching up. */
  async function catchUp(subscription: Subscription): Promise<number> {
    let frames = 0;
    for (;;) {
      const chunk = await subscription.next();
      if (chunk === undefined) throw new Error("the subscription is over");
      if (chunk.frames.some((frame) => frame[5] === 0x1a)) return frames;
      frames += chunk.frames.length;
    }
  }

  const failure = (subscription: Subscription) =>
    subscription.next().then(
      () => undefined,
      (error: unknown) => error,
    );

  it("hands the very same bytes to all subscribers, and encodes nothing twice", async () => {
    start();
    const all = await Promise.all(Array.from({ length: 50 }, () => open()));
    for (const subscription of all) await catchUp(subscription);
    const waiting = all.map((subscription) => subscription.next());
    log.append(1);
    const chunks = await Promise.all(waiting);
    expect(new Set(chunks.map((chunk) => chunk?.joined())).size).to.equal(1);
    expect(format.encoded).to.have.length(1);
  });

  it("hands over in one piece what has come while a subscriber was away", async () => {
    start();
    const subscription = await open();
    await catchUp(subscription);
    const first = subscription.next();
    log.append(1);
    await first;
    log.append(20);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await subscription.next())?.frames).to.have.length(20);
  });

  it("encodes nothing for a package without subscribers", async () => {
    start();
    const gone = new AbortController();
    await catchUp(await open(FROM_LATEST, gone.signal));
    gone.abort();
    log.append(10);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(format.encoded).to.deep.equal([]);
  });

  it("reads the log once for all subscribers", async () => {
    start();
    for (let count = 0; count < 100; count++) await catchUp(await open());
    const before = log.reads;
    log.append(5);
    await new Promise((resolve) => setTimeout(resolve, 15));
    expect(log.reads - before).to.be.lessThan(6);
  });

  it("finds a store that fell back although nothing was committed since", async () => {
    start();
    log.append(10);
    const subscription = await open(FROM_EARLIEST);
    expect(await catchUp(subscription)).to.equal(10);
    const reading = failure(subscription);
    log.rollBack(7);
    expect(await reading).to.have.property("reason", "CURSOR_DIVERGED");
    expect(hub.activeSubscriptions()).to.equal(0);
  });

  it("finds a store that fell back and went on as far as before", async () => {
    start();
    log.append(10);
    const subscription = await open(FROM_EARLIEST);
    await catchUp(subscription);
    const reading = failure(subscription);
    log.rollBack(7);
    log.append(3);
    expect(await reading).to.have.property("reason", "CURSOR_DIVERGED");
  });

  it("finds another store in the place of the first", async () => {
    start();
    log.append(3);
    const subscription = await open(FROM_EARLIEST);
    await catchUp(subscription);
    const reading = failure(subscription);
    log.replaceStore("store-2");
    expect(await reading).to.have.property("reason", "CURSOR_DIVERGED");
    expect(await catchUp(await open(FROM_EARLIEST))).to.equal(3);
  });

  it("lets a subscriber behind the ring meet another history as such", async () => {
    start({ ringEvents: 2, pageCommits: 4, chunkFrames: 1 });
    log.append(3);
    const subscription = await open(FROM_EARLIEST);
    await subscription.next();
    log.rollBack(0);
    log.append(12);
    let error: unknown;
    while (error === undefined) error = await failure(subscription);
    expect(error).to.have.property("reason", "CURSOR_DIVERGED");
  });

  it("tells a subscriber whom the trimming overtook where it may begin", async () => {
    start({ ringEvents: 2, pageCommits: 4, chunkFrames: 1 });
    log.append(10);
    const subscription = await open(FROM_EARLIEST);
    await subscription.next();
    log.append(30);
    await log.trimTo(25);
    let error: unknown;
    while (error === undefined) error = await failure(subscription);
    expect(error).to.have.property("reason", "CURSOR_COMPACTED");
    const { metadata } = error as { metadata: { earliest_cursor: string } };
    expect(decodeCursor(metadata.earliest_cursor).revision).to.equal(25);
  });

  it("sits a short outage out, and ends with a cursor when the store stays away", async () => {
    start();
    log.append(2);
    const subscription = await open(FROM_EARLIEST);
    await catchUp(subscription);
    const next = subscription.next();
    log.outage(true);
    await new Promise((resolve) => setTimeout(resolve, 10));
    log.outage(false);
    log.append(1);
    expect((await next)?.frames).to.have.length(1);
    const reading = failure(subscription);
    log.outage(true);
    const error = (await reading) as { reason: string; metadata: { cursor: string } };
    expect(error.reason).to.equal("STORE_UNAVAILABLE");
    expect(decodeCursor(error.metadata.cursor).revision).to.equal(3);
  });

  it("ends a subscriber that leaves what it was handed untaken, with the cursor behind it", async () => {
    start({ blockedMs: 50 });
    log.append(3);
    const subscription = await open(FROM_EARLIEST);
    await subscription.next();
    const woken = new Promise<void>((resolve) => subscription.attach({ wake: resolve }));
    nowMs = 51;
    await woken;
    expect(hub.activeSubscriptions()).to.equal(0);
    const error = (await failure(subscription)) as { reason: string; metadata: { cursor: string } };
    expect(error.reason).to.equal("SUBSCRIBER_TOO_SLOW");
    expect(decodeCursor(error.metadata.cursor).revision).to.equal(3);
  });

  it("is patient with a subscriber that waits for events", async () => {
    start({ blockedMs: 50 });
    const subscription = await open();
    await catchUp(subscription);
    const next = subscription.next();
    nowMs = 1_000_000;
    await new Promise((resolve) => setTimeout(resolve, 20));
    log.append(1);
    expect((await next)?.frames).to.have.length(1);
  });

  it("sends a bookmark no later than its interval, and not much earlier", async () => {
    start({}, 100);
    const subscription = await open();
    await catchUp(subscription);
    const next = subscription.next();
    let isThere = false;
    next.then(() => {
      isThere = true;
    });
    nowMs = 79;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(isThere).to.equal(false);
    nowMs = 100;
    expect((await next)?.frames[0]?.[5]).to.equal(0x1a);
  });

  it("sends bookmarks to a subscriber that is busy catching up, too", async () => {
    start({ chunkFrames: 1 }, 100);
    log.append(5);
    const subscription = await open(FROM_EARLIEST);
    await subscription.next();
    nowMs = 100;
    expect((await subscription.next())?.frames[0]?.[5]).to.equal(0x1a);
    expect((await subscription.next())?.frames[0]?.[5]).to.equal(0x12);
  });

  it("refuses to open when it is closed, and ends who is there", async () => {
    start();
    const subscription = await open();
    await hub.close(new Error("closed for good"));
    expect(await failure(subscription)).to.have.property("message", "closed for good");
    expect(await open().catch((error: unknown) => error)).to.have.property("message", "closed for good");
  });
});
