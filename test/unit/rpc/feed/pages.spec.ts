import { expect } from "chai";
import { createPages } from "../../../../src/rpc/feed/pages.ts";
import { createFaultyLog } from "./support.ts";

const LIMITS = { pageCommits: 10, pageLoads: 4, pagesKept: 3, pageBytesKept: 1e9 };

describe("pages of the log", () => {
  const open = (count: number) => {
    const log = createFaultyLog();
    log.append(count);
    return { log, pages: createPages(log, () => "store-1", LIMITS) };
  };
  const revisionsOf = (page: readonly { entry: { revision: number } }[] | undefined) =>
    page?.map(({ entry }) => entry.revision);

  it("end at borders, so that readers at different places share them", async () => {
    const { log, pages } = open(100);
    expect(revisionsOf(await pages.load(0))).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(revisionsOf(await pages.load(13))).to.deep.equal([14, 15, 16, 17, 18, 19, 20]);
    expect(revisionsOf(pages.peek(7))).to.deep.equal([8, 9, 10]);
    expect(pages.peek(10)).to.equal(undefined);
    expect(log.reads).to.equal(2);
  });

  it("are read once for all who ask at the same time", async () => {
    const { log, pages } = open(100);
    await Promise.all(Array.from({ length: 1_000 }, () => pages.load(0)));
    expect(log.reads).to.equal(1);
  });

  it("are read a few at once, and few of them are kept", async () => {
    const { log, pages } = open(1_000);
    await Promise.all(Array.from({ length: 100 }, (_, at) => pages.load(at * 10)));
    expect(log.reads).to.equal(100);
    expect(log.maxReadsAtOnce).to.equal(4);
    const kept = Array.from({ length: 100 }, (_, at) => pages.peek(at * 10)).filter(
      (page) => page !== undefined,
    );
    expect(kept).to.have.length(3);
  });

  it("are read again where the log has grown behind a short one", async () => {
    const { log, pages } = open(4);
    expect(revisionsOf(await pages.load(0))).to.deep.equal([1, 2, 3, 4]);
    log.append(3);
    expect(pages.peek(4)).to.equal(undefined);
    expect(revisionsOf(await pages.load(4))).to.deep.equal([5, 6, 7]);
  });

  it("name the earliest cursor where the log was trimmed", async () => {
    const { log, pages } = open(20);
    await log.trimTo(15);
    const error = await pages.load(3).catch((reason: unknown) => reason);
    expect(error).to.have.property("reason", "CURSOR_COMPACTED");
    expect(error).to.have.nested.property("metadata.earliest_cursor").that.has.length.above(0);
  });
});
