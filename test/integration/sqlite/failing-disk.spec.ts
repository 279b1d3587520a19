import { spawnSync } from "node:child_process";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { pid } from "node:process";
import { expect } from "chai";
import { keepSession, type SessionKeeper } from "../../../src/adapters/sqlite/session.ts";
import { assembleStore, type OpenedSqliteStore } from "../../../src/adapters/sqlite/store.ts";
import type { DomainError } from "../../../src/domain/errors.ts";
import { refusalOf } from "../../contract/ports/fixture.ts";
import { expectCleanPrefix, nthCommit, useFolder, withStore } from "./support.ts";

/** Less than the file and its log have already, in bytes: every write fails. */
const TINY_FILE = 1_000;
const OPTIONS = { book: "main", lockTtlMs: 5_000 };

/** Largest file this process may write, in bytes; the kernel refuses more with EFBIG. */
function limitFileSize(bytes: number | "unlimited"): boolean {
  return spawnSync("prlimit", [`--pid=${pid}`, `--fsize=${bytes}:`]).status === 0;
}

describe("SQLite store on a failing disk", () => {
  const folder = useFolder();
  const path = () => join(folder(), "book.db");
  let keeper: SessionKeeper;
  let book: OpenedSqliteStore;

  beforeEach(() => {
    keeper = keepSession(path(), "main");
    book = assembleStore(keeper, { ...OPTIONS, path: path() });
  });
  afterEach(() => book.close());

  function limitPages(pages: number): void {
    keeper.use(({ db }) => db.exec(`PRAGMA max_page_count = ${pages}`));
  }

  async function refusedCommit(id: string): Promise<DomainError> {
    const error = await refusalOf(book.store.commit(nthCommit(id)), "STORE_UNAVAILABLE");
    expect(error.message).to.not.contain(folder());
    expect(error.cause).to.be.instanceOf(Error);
    expect(error.retryAfterMs).to.be.greaterThan(0);
    return error;
  }

  /** Commits until one is refused; tells how many were not. */
  async function fillUp(): Promise<number> {
    for (let n = 0; n < 5_000; n += 1) {
      const outcome = await book.store.commit(nthCommit(`fill-${n}`)).catch(() => undefined);
      if (outcome === undefined) return n;
    }
    throw new Error("the disk never filled up");
  }

  it("refuses commits while the disk is full, keeps serving reads, and goes on when there is room", async () => {
    limitPages(60);
    const stored = await fillUp();
    expect(stored).to.be.greaterThan(10);
    expect((await refusedCommit(`fill-${stored}`)).message).to.contain("disk space");
    expect(await expectCleanPrefix(book)).to.have.length(stored);
    limitPages(1_000_000);
    expect((await book.store.commit(nthCommit("x"))).kind).to.equal("committed");
    expect(await expectCleanPrefix(book)).to.have.length(stored + 1);
    await book.close();
    await withStore(path(), async (again) => {
      expect(await expectCleanPrefix(again)).to.have.length(stored + 1);
    });
  });

  it("refuses the one that does not fit, not those that arrived with it", async () => {
    limitPages(200);
    const attempts = [nthCommit("a"), nthCommit("b"), nthCommit("c")].map((request, at) =>
      book.store.commit(
        at === 1 ? { ...request, audit: [{ worldId: "alpha", body: "x".repeat(2_000_000) }] } : request,
      ),
    );
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.map(({ status }) => status)).to.deep.equal(["fulfilled", "rejected", "fulfilled"]);
    expect(await expectCleanPrefix(book)).to.deep.equal(["a", "c"]);
  });

  it("keeps a lease whose commit failed, so that the repeat goes through under it", async () => {
    const { lease } = await book.locks.acquire(["alpha"], { timeoutMs: 0 });
    limitPages(1);
    const huge = { puts: [{ key: { kind: "run", scope: "", id: "h" }, body: "x".repeat(500_000) }] } as const;
    await refusalOf(book.store.commit({ ...huge, lease, release: true }), "STORE_UNAVAILABLE");
    limitPages(1_000_000);
    expect((await book.store.commit({ ...huge, lease, release: true })).kind).to.equal("committed");
    expect((await book.locks.acquire(["alpha"], { timeoutMs: 0 })).lease.fences.get("alpha")).to.equal(2);
  });

  it("recovers by itself from writes that the system refused", async function () {
    await book.store.commit(nthCommit("before"));
    if (!limitFileSize(TINY_FILE)) this.skip();
    try {
      expect((await refusedCommit("during")).message).to.contain("cannot read or write");
      await refusedCommit("during");
    } finally {
      limitFileSize("unlimited");
    }
    expect((await book.store.commit(nthCommit("during"))).kind).to.equal("committed");
    expect(await expectCleanPrefix(book)).to.deep.equal(["before", "during"]);
  });

  it("does not go on in another history when the file was exchanged behind its back", async function () {
    await book.store.commit(nthCommit("mine"));
    const stranger = join(folder(), "stranger.db");
    await withStore(stranger, async ({ store }) => {
      await store.commit(nthCommit("theirs"));
    });
    if (!limitFileSize(TINY_FILE)) this.skip();
    try {
      await refusedCommit("x");
    } finally {
      limitFileSize("unlimited");
    }
    for (const side of ["", "-wal"]) renameSync(`${path()}${side}`, join(folder(), `away.db${side}`));
    renameSync(stranger, path());
    const error = await refusalOf(book.store.commit(nthCommit("y")), "STORE_UNAVAILABLE");
    expect(error.message).to.contain("acknowledged");
    await refusalOf(book.log.window(), "STORE_UNAVAILABLE");
  });
});
