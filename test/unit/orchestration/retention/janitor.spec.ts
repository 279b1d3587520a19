import { expect } from "chai";
import { createJanitor, trimOnce } from "../../../../src/orchestration/retention/janitor.ts";
import type { OpenedStore } from "../../../../src/ports/opened-store.ts";
import { commitMany, openMemory } from "../../../support/feed-server.ts";
import { createFaultyLog } from "../../rpc/feed/support.ts";

describe("the janitor", () => {
  let opened: OpenedStore;

  beforeEach(async () => {
    opened = await openMemory();
  });
  afterEach(() => opened.close());

  const readable = async () => {
    const { head, floor } = await opened.log.window();
    return head.revision - floor.revision;
  };

  it("keeps the newest commits and drops the others", async () => {
    await commitMany(opened, 30, ["w1"]);
    expect(await trimOnce(opened.log, 10)).to.equal(20);
    expect(await readable()).to.equal(10);
    expect(await opened.log.readAfter(20, 100)).to.have.length(10);
  });

  it("drops nothing while there is not more than it keeps", async () => {
    await commitMany(opened, 10, ["w1"]);
    expect(await trimOnce(opened.log, 10)).to.equal(0);
    expect(await trimOnce(opened.log, 100)).to.equal(0);
    expect(await readable()).to.equal(10);
  });

  it("does not mind others who do the same", async () => {
    await commitMany(opened, 30, ["w1"]);
    await Promise.all(Array.from({ length: 5 }, () => trimOnce(opened.log, 7)));
    expect(await readable()).to.equal(7);
  });

  it("goes on after a round that failed, and stops when it is told", async () => {
    const log = createFaultyLog();
    log.append(20);
    log.outage(true);
    const failed = Promise.withResolvers<unknown>();
    const janitor = createJanitor({ log, keep: 5, intervalMs: 5, onError: failed.resolve });
    janitor.start();
    expect(await failed.promise).to.have.property("reason", "STORE_UNAVAILABLE");
    log.outage(false);
    while ((await log.window()).floor.revision !== 15) await new Promise((resolve) => setTimeout(resolve, 2));
    await janitor.stop();
    log.append(20);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect((await log.window()).floor.revision).to.equal(15);
  });
});
