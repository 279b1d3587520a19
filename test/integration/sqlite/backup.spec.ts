import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "chai";
import { backupSqlite, type OpenedSqliteStore, restoreSqlite } from "../../../src/adapters/sqlite/index.ts";
import { refusalOf } from "../../contract/ports/fixture.ts";
import { expectCleanPrefix, nthCommit, useFolder, withStore } from "./support.ts";

describe("SQLite backup and restore", () => {
  const folder = useFolder();
  const at = (name: string) => join(folder(), name);

  async function fill({ store }: OpenedSqliteStore, count: number, prefix = "c"): Promise<void> {
    await Promise.all(Array.from({ length: count }, (_, n) => store.commit(nthCommit(`${prefix}${n}`))));
  }

  async function backedUp(count: number): Promise<string> {
    await withStore(at("book.db"), async (book) => {
      await fill(book, count);
      await backupSqlite(book, at("backup.db"));
    });
    return at("backup.db");
  }

  function refusedRestore(from: string, to: string): Promise<Error> {
    return refusalOf((async () => restoreSqlite(from, to))(), "STORE_UNAVAILABLE");
  }

  it("brings back every commit, in a history of a new name that goes on", async () => {
    const old = await withStore(at("book.db"), async (book) => {
      await fill(book, 50);
      await backupSqlite(book, at("backup.db"));
      await fill(book, 10, "lost");
      return { ...(await book.log.window()), hash50: await book.log.hashAt(50) };
    });
    restoreSqlite(at("backup.db"), at("restored.db"));
    await withStore(at("restored.db"), async (book) => {
      const window = await book.log.window();
      expect(window.head).to.deep.equal({ revision: 50, hash: old.hash50 });
      expect(window.storeId, "a cursor of the old history names another store").to.not.equal(old.storeId);
      expect(book.store.info.storeId).to.equal(window.storeId);
      expect(await expectCleanPrefix(book)).to.have.length(50);
      expect((await book.store.commit(nthCommit("c7"))).kind).to.equal("replayed");
      expect((await book.store.commit(nthCommit("after"))).kind).to.equal("committed");
    });
  });

  it("is consistent while commits go on", async () => {
    await withStore(at("book.db"), async (book) => {
      await fill(book, 800);
      let running = true;
      const writing = (async () => {
        for (let n = 0; running; n += 1) await fill(book, 8, `busy-${n}-`);
      })();
      await backupSqlite(book, at("backup.db"));
      running = false;
      await writing;
      restoreSqlite(at("backup.db"), at("restored.db"));
      const stored = await expectCleanPrefix(book);
      const copied = await withStore(at("restored.db"), expectCleanPrefix);
      expect(copied.length).to.be.at.least(800);
      expect(copied).to.deep.equal(stored.slice(0, copied.length));
    });
  });

  it("copies one state although more is written meanwhile than the log usually holds", async () => {
    const put = (id: string, letter: string) => ({
      puts: [{ key: { kind: "run", scope: "", id }, body: letter.repeat(2_000_000) }] as const,
    });
    const ids = Array.from({ length: 12 }, (_, n) => `big-${n}`);
    await withStore(at("book.db"), async ({ store, ...book }) => {
      for (const id of ids) await store.commit(put(id, "a"));
      let running = true;
      const writing = (async () => {
        while (running) for (const id of ids) await store.commit(put(id, "b"));
      })();
      await backupSqlite({ store, ...book }, at("backup.db"));
      running = false;
      await writing;
    });
    restoreSqlite(at("backup.db"), at("restored.db"));
    await withStore(at("restored.db"), async ({ store, log }) => {
      const { collections } = await store.read({ keys: [], collections: [{ kind: "run", scope: "" }] });
      const docs = collections[0] ?? [];
      const { head } = await log.window();
      expect(docs.every(({ body }) => body === (body[0] ?? "").repeat(2_000_000))).to.equal(true);
      expect(Math.max(...docs.map(({ version }) => version))).to.equal(head.revision);
    });
  });

  it("writes one file only the owner can read, and can be restored many times", async () => {
    const backup = await backedUp(5);
    expect(statSync(backup).mode & 0o777).to.equal(0o600);
    expect(readdirSync(folder()).toSorted()).to.deep.equal(["backup.db", "book.db"]);
    const before = readFileSync(backup);
    const names = new Set<string>();
    for (const target of ["one.db", "two.db"]) {
      restoreSqlite(backup, at(target));
      names.add(await withStore(at(target), async ({ store }) => store.info.storeId));
    }
    expect(names.size).to.equal(2);
    expect(readFileSync(backup).equals(before)).to.equal(true);
    expect(statSync(at("one.db")).mode & 0o777).to.equal(0o600);
  });

  it("backs up a store in memory, too", async () => {
    await withStore(":memory:", async (book) => {
      await fill(book, 20);
      await backupSqlite(book, at("backup.db"));
    });
    restoreSqlite(at("backup.db"), at("restored.db"));
    expect(await withStore(at("restored.db"), expectCleanPrefix)).to.have.length(20);
  });

  it("is made one at a time", async () => {
    await withStore(at("book.db"), async (book) => {
      await fill(book, 20);
      const first = backupSqlite(book, at("first.db"));
      await refusalOf(backupSqlite(book, at("second.db")), "STORE_UNAVAILABLE");
      await first;
      await backupSqlite(book, at("second.db"));
    });
    expect(readdirSync(folder()).toSorted()).to.deep.equal(["book.db", "first.db", "second.db"]);
  });

  it("carries a trimmed history", async () => {
    await withStore(at("book.db"), async (book) => {
      await fill(book, 30);
      await book.log.trimTo(20);
      await backupSqlite(book, at("backup.db"));
    });
    restoreSqlite(at("backup.db"), at("restored.db"));
    await withStore(at("restored.db"), async ({ log }) => {
      const { head, floor } = await log.window();
      expect([floor.revision, head.revision]).to.deep.equal([20, 30]);
    });
  });

  it("overwrites nothing", async () => {
    const backup = await backedUp(3);
    const before = readFileSync(backup);
    await withStore(at("book.db"), async (book) => {
      await refusalOf(backupSqlite(book, backup), "STORE_UNAVAILABLE");
    });
    expect(readFileSync(backup).equals(before)).to.equal(true);
    const error = await refusedRestore(backup, at("book.db"));
    expect(error.message).to.contain("already");
    expect(await withStore(at("book.db"), expectCleanPrefix)).to.have.length(3);
  });

  const damages: readonly [string, string][] = [
    ["an event was changed", `UPDATE log SET payload = replace(payload, 'c1', 'cX') WHERE revision = 2`],
    ["a commit is missing", "DELETE FROM log WHERE revision = 3"],
    ["the newest commit is missing", "DELETE FROM log WHERE revision = 5"],
    ["a hash was changed", `UPDATE log SET hash = '${"0".repeat(40)}' WHERE revision = 4`],
    ["a link was changed", `UPDATE log SET previous_hash = '${"0".repeat(40)}' WHERE revision = 4`],
    ["the numbers of events were changed", "UPDATE log SET sequences = '9' WHERE revision = 5"],
    ["the head was moved", "UPDATE book SET revision = 4"],
    ["a world's counter was moved", "UPDATE world_sequence SET sequence = 4"],
  ];
  for (const [what, sql] of damages) {
    it(`refuses a backup in which ${what}, and leaves nothing behind`, async () => {
      const backup = await backedUp(5);
      const db = new DatabaseSync(backup);
      db.exec(sql);
      db.close();
      expect((await refusedRestore(backup, at("restored.db"))).message).to.contain("history");
      expect(readdirSync(folder()).filter((name) => name.startsWith("restored"))).to.deep.equal([]);
    });
  }

  it("refuses what is no backup of ours", async () => {
    writeFileSync(at("garbage"), "x".repeat(10_000));
    expect((await refusedRestore(at("garbage"), at("r.db"))).message).to.contain("not a database");
    expect((await refusedRestore(at("missing"), at("r.db"))).message).to.not.contain(folder());
    const db = new DatabaseSync(at("other.db"));
    db.exec("CREATE TABLE theirs (x)");
    db.close();
    expect((await refusedRestore(at("other.db"), at("r.db"))).message).to.contain("another program");
    expect(existsSync(at("r.db"))).to.equal(false);
  });

  it("refuses the file of a running store: what its log holds would be missing", async () => {
    await withStore(at("book.db"), async (book) => {
      await fill(book, 5);
      expect((await refusedRestore(at("book.db"), at("r.db"))).message).to.contain("write-ahead log");
    });
  });

  it("refuses a backup with damaged pages", async () => {
    const backup = await backedUp(200);
    copyFileSync(backup, at("torn.db"));
    const bytes = readFileSync(at("torn.db"));
    bytes.fill(0x5a, bytes.length - 40_000, bytes.length - 20_000);
    writeFileSync(at("torn.db"), bytes);
    await refusedRestore(at("torn.db"), at("r.db"));
    expect(existsSync(at("r.db"))).to.equal(false);
  });
});
