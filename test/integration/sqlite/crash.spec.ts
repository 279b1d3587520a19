import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { createInterface } from "node:readline";
import { expect } from "chai";
import { expectCleanPrefix, nthCommit, openAt, randomOf, useFolder, withStore } from "./support.ts";

const KILLS = 20;
const CUTS = 60;
const COMMITTER = join(import.meta.dirname, "commit-loop.ts");

/** Runs the committing process, kills it after so many acknowledgements, and tells what it acknowledged. */
async function killAfter(path: string, prefix: string, count: number): Promise<readonly string[]> {
  const child = spawn(execPath, [COMMITTER, path, prefix], { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  const acknowledged: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line !== "open") acknowledged.push(line);
    if (acknowledged.length === count) child.kill("SIGKILL");
  }
  const [, signal] = await closed;
  expect(signal).to.equal("SIGKILL");
  return acknowledged;
}

describe("SQLite store after a crash", () => {
  const folder = useFolder();

  it(`has every acknowledged commit and nothing by halves after ${KILLS} times SIGKILL`, async function () {
    this.timeout(120_000);
    const path = join(folder(), "book.db");
    const random = randomOf(20_260_801);
    const acknowledged: string[] = [];
    for (let round = 0; round < KILLS; round += 1) {
      acknowledged.push(...(await killAfter(path, `r${round}`, 1 + Math.floor(random() * 60))));
      const stored = new Set(await withStore(path, expectCleanPrefix));
      expect(acknowledged.filter((id) => !stored.has(id))).to.deep.equal([]);
    }
    expect(acknowledged.length).to.be.at.least(KILLS);
  });

  it("knows the claims of a killed process, so that its requests are replayed", async () => {
    const path = join(folder(), "book.db");
    const [first = ""] = await killAfter(path, "r", 5);
    await withStore(path, async ({ store }) => {
      expect((await store.commit(nthCommit(first))).kind).to.equal("replayed");
    });
  });

  /** A file whose write-ahead log holds all its commits, as a power loss would leave it. */
  async function crashedFile(): Promise<{ readonly path: string; readonly ids: readonly string[] }> {
    const path = join(folder(), "book.db");
    const kept = join(folder(), "kept");
    mkdirSync(kept, { mode: 0o700 });
    const ids = Array.from({ length: 40 }, (_, n) => `c${n}`);
    const book = await openAt(path);
    for (let at = 0; at < ids.length; at += 4) {
      await Promise.all(ids.slice(at, at + 4).map((id) => book.store.commit(nthCommit(id))));
    }
    copyFileSync(path, join(kept, "book.db"));
    copyFileSync(`${path}-wal`, join(kept, "book.db-wal"));
    await book.close();
    return { path: join(kept, "book.db"), ids };
  }

  /** Opens a copy of the file whose log `damage` was done to, and returns how many commits are left. */
  async function openDamaged(
    path: string,
    name: string,
    damage: (log: string) => void,
  ): Promise<readonly string[]> {
    const place = join(folder(), name);
    mkdirSync(place, { mode: 0o700 });
    const copy = join(place, "book.db");
    copyFileSync(path, copy);
    copyFileSync(`${path}-wal`, `${copy}-wal`);
    damage(`${copy}-wal`);
    return withStore(copy, expectCleanPrefix);
  }

  it(`comes up with a clean prefix however the log's tail was cut, ${CUTS} cuts`, async () => {
    const { path, ids } = await crashedFile();
    const size = readFileSync(`${path}-wal`).length;
    const random = randomOf(7);
    const lengths = Array.from({ length: CUTS }, (_, n) =>
      n % 3 === 0 ? size - n : Math.floor(random() * size),
    );
    const found = new Set<number>();
    for (const [cut, length] of lengths.entries()) {
      const left = await openDamaged(path, `cut-${cut}`, (log) => truncateSync(log, length));
      expect(left, `cut to ${length} of ${size} bytes`).to.deep.equal(ids.slice(0, left.length));
      found.add(left.length);
    }
    expect(found.has(ids.length), "the whole log").to.equal(true);
    expect(found.size, "different prefixes").to.be.greaterThan(4);
  });

  it("comes up with a clean prefix when bytes of the log are wrong", async () => {
    const { path, ids } = await crashedFile();
    const random = randomOf(11);
    for (let flip = 0; flip < 20; flip += 1) {
      const left = await openDamaged(path, `flip-${flip}`, (log) => {
        const bytes = readFileSync(log);
        const at = Math.floor(random() * bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ 0x55;
        writeFileSync(log, bytes);
      });
      expect(left).to.deep.equal(ids.slice(0, left.length));
    }
  });
});
