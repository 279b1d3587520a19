import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { DatabaseSync } from "node:sqlite";
import { expect } from "chai";
import { backupSqlite, openSqliteStore, restoreSqlite } from "../../../src/adapters/sqlite/index.ts";
import type { DomainError } from "../../../src/domain/errors.ts";
import { refusalOf } from "../../contract/ports/fixture.ts";
import { expectCleanPrefix, nthCommit, openAt, useFolder, withStore } from "./support.ts";

describe("SQLite store file", () => {
  const folder = useFolder();
  const path = () => join(folder(), "data", "book.db");

  async function refused(file = path()): Promise<DomainError> {
    const error = await refusalOf(openAt(file), "STORE_UNAVAILABLE");
    expect(error.message).to.not.contain(folder());
    return error;
  }

  it("is made in a folder and with side files only the owner can read", async () => {
    await withStore(path(), async ({ store }) => {
      await store.commit({});
      expect(statSync(join(folder(), "data")).mode & 0o777).to.equal(0o700);
      expect(statSync(path()).mode & 0o777).to.equal(0o600);
      expect(statSync(`${path()}-wal`).mode & 0o777).to.equal(0o600);
    });
  });

  it("loses rights that others were given", async () => {
    await withStore(path(), async () => {});
    chmodSync(path(), 0o644);
    await withStore(path(), async () => {});
    expect(statSync(path()).mode & 0o777).to.equal(0o600);
  });

  it("says what it is and how durable", async () => {
    await withStore(path(), async ({ store }) => {
      expect(store.info).to.include({ kind: "sqlite", durability: "fsync" });
    });
    await withStore(":memory:", async ({ store }) => {
      expect(store.info).to.include({ kind: "memory", durability: "none" });
    });
  });

  it("keeps everything, its name too, from one opening to the next", async () => {
    const name = await withStore(path(), async ({ store }) => {
      for (const id of ["a", "b", "c"]) await store.commit(nthCommit(id));
      return store.info.storeId;
    });
    await withStore(path(), async (book) => {
      expect(book.store.info.storeId).to.equal(name);
      expect(await expectCleanPrefix(book)).to.deep.equal(["a", "b", "c"]);
    });
  });

  it("continues the fences of an earlier process, and does not know its leases", async () => {
    const old = await withStore(path(), async ({ store, locks }) => {
      const first = await locks.acquire(["alpha", "beta"], { timeoutMs: 0 });
      await store.commit({ lease: first.lease, release: true });
      return (await locks.acquire(["alpha"], { timeoutMs: 0 })).lease;
    });
    await withStore(path(), async ({ store, locks }) => {
      expect((await store.commit({ lease: old })).kind).to.equal("fenced");
      const { lease } = await locks.acquire(["alpha", "beta"], { timeoutMs: 0 });
      expect([...lease.fences.values()]).to.deep.equal([3, 2]);
    });
  });

  it("keeps books of one file apart", async () => {
    await withStore(path(), async ({ store }) => {
      await store.commit(nthCommit("a"));
    });
    const other = await openSqliteStore({ path: path(), book: "other", lockTtlMs: 5_000 });
    expect(await expectCleanPrefix(other)).to.deep.equal([]);
    expect((await other.store.commit(nthCommit("a"))).kind).to.equal("committed");
    expect((await other.locks.acquire(["alpha"], { timeoutMs: 0 })).lease.fences.get("alpha")).to.equal(1);
    await other.close();
    await withStore(path(), async (book) => {
      expect(await expectCleanPrefix(book)).to.deep.equal(["a"]);
      expect(book.store.info.storeId).to.not.equal(other.store.info.storeId);
    });
  });

  it("refuses a second process, and is free as soon as the first was killed", async () => {
    const committer = join(import.meta.dirname, "commit-loop.ts");
    mkdirSync(join(folder(), "data"), { mode: 0o700 });
    const child = spawn(execPath, [committer, path(), "r"], { stdio: ["ignore", "pipe", "inherit"] });
    const closed = once(child, "close");
    await once(child.stdout, "data");
    child.stdout.resume();
    expect((await refused()).message).to.contain("in use by another process");
    child.kill("SIGKILL");
    await closed;
    await withStore(path(), expectCleanPrefix);
  });

  it("refuses a second opening in the same process without disturbing the first", async () => {
    await withStore(path(), async ({ store }) => {
      expect((await refused()).message).to.contain("in use");
      expect((await store.commit({})).kind).to.equal("committed");
    });
  });

  it("still keeps other processes out after a second opening here was refused and a backup was made", async () => {
    await withStore(path(), async (book) => {
      await refused();
      await backupSqlite(book, join(folder(), "backup.db"));
      await refusalOf((async () => restoreSqlite(path(), path()))(), "STORE_UNAVAILABLE");
      const committer = join(import.meta.dirname, "commit-loop.ts");
      const child = spawnSync(execPath, [committer, path(), "r"], { encoding: "utf8", timeout: 15_000 });
      expect(child.stderr).to.contain("in use by another process");
      expect(child.stdout).to.equal("");
    });
  });

  it("refuses a symbolic link, to a file or to nothing", async () => {
    await withStore(path(), async () => {});
    for (const [n, target] of [path(), join(folder(), "data", "none.db")].entries()) {
      const link = join(folder(), "data", `link-${n}.db`);
      symlinkSync(target, link);
      expect((await refused(link)).message).to.contain("symbolic link");
    }
    symlinkSync("/dev/null", join(folder(), "data", "side.db-wal"));
    expect((await refused(join(folder(), "data", "side.db"))).message).to.contain("symbolic link");
  });

  it("refuses a folder in its place, a folder others may write to, and a place that cannot be", async () => {
    mkdirSync(path(), { recursive: true, mode: 0o700 });
    expect((await refused()).message).to.contain("not a regular file");
    const shared = join(folder(), "shared");
    mkdirSync(shared);
    chmodSync(shared, 0o777);
    expect((await refused(join(shared, "book.db"))).message).to.contain("others may write");
    writeFileSync(join(folder(), "plain"), "");
    expect((await refused(join(folder(), "plain", "book.db"))).message).to.contain("cannot be opened");
  });

  it("refuses another program's database and leaves it as it was", async () => {
    mkdirSync(join(folder(), "data"), { mode: 0o700 });
    const db = new DatabaseSync(path());
    db.exec("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1); PRAGMA user_version = 1");
    db.close();
    chmodSync(path(), 0o640);
    const before = readFileSync(path());
    expect((await refused()).message).to.contain("another program");
    expect(readFileSync(path()).equals(before)).to.equal(true);
    expect(statSync(path()).mode & 0o777).to.equal(0o640);
  });

  it("refuses a file that is no database", async () => {
    mkdirSync(join(folder(), "data"), { mode: 0o700 });
    for (const content of ["x", "worldservice:\n  server: {}\n".repeat(50)]) {
      writeFileSync(path(), content);
      expect((await refused()).message).to.contain("not a database");
      expect(readFileSync(path(), "utf8")).to.equal(content);
    }
  });

  it("refuses a file of a newer version, naming both", async () => {
    await withStore(path(), async () => {});
    const db = new DatabaseSync(path());
    db.exec("PRAGMA user_version = 99");
    db.close();
    const { message } = await refused();
    expect(message).to.contain("newer version").and.contain("99");
  });

  it("takes an empty file for a new one, as a crash during its making leaves it", async () => {
    mkdirSync(join(folder(), "data"), { mode: 0o700 });
    writeFileSync(path(), "");
    await withStore(path(), async ({ store }) => {
      expect((await store.commit({})).kind).to.equal("committed");
    });
  });
});
