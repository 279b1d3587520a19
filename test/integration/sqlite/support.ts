import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { chainHash, eventsPayload, payloadDigest } from "../../../src/adapters/chain-hash.ts";
import { type OpenedSqliteStore, openSqliteStore } from "../../../src/adapters/sqlite/index.ts";
import type { CommitRequest } from "../../../src/ports/store.ts";

/** A folder per test that is gone after it. */
export function useFolder(): () => string {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "worldservice-sqlite-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  return () => folder;
}

export function openAt(path: string): Promise<OpenedSqliteStore> {
  return openSqliteStore({ path, book: "main", lockTtlMs: 5_000 });
}

/** Opens a file for the time of `work` only. */
export async function withStore<T>(path: string, work: (book: OpenedSqliteStore) => Promise<T>): Promise<T> {
  const book = await openAt(path);
  try {
    return await work(book);
  } finally {
    await book.close();
  }
}

export const WORLD = "alpha";

/** The n-th commit of a test: writes in every table, so that a torn one would show. */
export function nthCommit(id: string): CommitRequest {
  return {
    claim: { runId: id, fingerprint: id },
    puts: [
      { key: { kind: "run", scope: "", id }, body: id },
      { key: { kind: "allocation", scope: "", id: WORLD }, body: id },
    ],
    events: [{ worldId: WORLD, body: JSON.stringify(id) }],
    audit: [{ worldId: WORLD, body: id }],
    budget: { name: "allocation", set: [{ member: id, units: 1 }] },
  };
}

/**
 * Checks that a book holds a prefix of whole commits made by `nthCommit`, chained without a break.
 *
 * @returns the ids of the commits, oldest first.
 */
export async function expectCleanPrefix({ store, log }: OpenedSqliteStore): Promise<readonly string[]> {
  const { head } = await log.window();
  const entries = await log.readAfter(0, 1_000_000);
  let hash = "";
  for (const [index, entry] of entries.entries()) {
    expect(entry.revision).to.equal(index + 1);
    expect(entry.events.map(({ worldSequence }) => worldSequence)).to.deep.equal([index + 1]);
    hash = chainHash(hash, entry.revision, payloadDigest(eventsPayload(entry.events)), [index + 1]);
    expect(entry.hash).to.equal(hash);
  }
  expect(head).to.deep.equal({ revision: entries.length, hash });
  const ids = entries.map(({ events }): string => JSON.parse(events[0]?.body ?? '""'));
  const audit = await store.listAudit({ worldId: WORLD, limit: 1_000_000 });
  expect(audit.map(({ body }) => body)).to.deep.equal(ids);
  const { collections } = await store.read({ keys: [], collections: [{ kind: "run", scope: "" }] });
  const runs = (collections[0] ?? []).toSorted((a, b) => a.created - b.created);
  expect(runs.map(({ key, created }) => [created, key.id])).to.deep.equal(
    ids.map((id, index) => [index + 1, id]),
  );
  const last = ids.at(-1);
  const state = await store.read({
    keys: [{ kind: "allocation", scope: "", id: WORLD }],
    budget: "allocation",
  });
  expect(state.docs[0]?.body).to.equal(last);
  expect(state.budgetTotal).to.equal(ids.length);
  if (last !== undefined) expect((await store.findRun(last))?.fingerprint).to.equal(last);
  return ids;
}

/** Numbers in [0, 1) that a seed determines (mulberry32), so that a failing test can be repeated. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
