import { expect } from "chai";
import { DomainError, type Reason } from "../../../src/domain/errors.ts";
import type { OpenedStore } from "../../../src/ports/opened-store.ts";
import {
  type CommitOutcome,
  type CommitRequest,
  DOC_KINDS,
  type DocKey,
  type DocKind,
  type DocPut,
} from "../../../src/ports/store.ts";

/** Opens a new, empty book of the adapter under test. The suite closes it. */
export type OpenBook = (options: { readonly lockTtlMs: number }) => Promise<OpenedStore>;

/** Long enough that no test meets its end by accident. */
export const CALM_TTL_MS = 20_000;

/** One fresh book per test, closed after it. */
export function useBook(open: OpenBook, lockTtlMs = CALM_TTL_MS): () => OpenedStore {
  let book: OpenedStore | undefined;
  beforeEach(async () => {
    book = await open({ lockTtlMs });
  });
  afterEach(async () => {
    await book?.close();
    book = undefined;
  });
  return () => {
    if (book === undefined) throw new Error("no book is open outside a test");
    return book;
  };
}

export function keyOf(kind: DocKind, id: string, scope = ""): DocKey {
  return { kind, scope, id };
}

export function putOf(kind: DocKind, id: string, body: string, scope = ""): DocPut {
  return { key: keyOf(kind, id, scope), body };
}

type Committed = Extract<CommitOutcome, { kind: "committed" }>;

/** Commits what must succeed. */
export async function commit({ store }: OpenedStore, request: CommitRequest): Promise<Committed> {
  const outcome = await store.commit(request);
  if (outcome.kind !== "committed") throw new Error(`expected a commit, got ${JSON.stringify(outcome)}`);
  return outcome;
}

/** The refusal of a promise that must be refused. */
export async function refusalOf(attempt: Promise<unknown>, reason: Reason): Promise<DomainError> {
  const error: unknown = await attempt.then(
    () => expect.fail(`was not refused with ${reason}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof DomainError)) throw error;
  expect(error.reason).to.equal(reason);
  return error;
}

/** Everything the book shows of some worlds: documents of every kind, audit, log, budget, head. */
export async function dump(book: OpenedStore, worlds: readonly string[]): Promise<unknown> {
  const { store, log } = book;
  const scopes = ["", ...worlds];
  const collections = DOC_KINDS.flatMap((kind) => scopes.map((scope) => ({ kind, scope })));
  const state = await store.read({ keys: [], collections, budget: "allocation" });
  const audit = await Promise.all(scopes.map((worldId) => store.listAudit({ worldId, limit: 10_000 })));
  const window = await log.window();
  return { state, audit, window, entries: await log.readAfter(window.floor.revision, 100_000) };
}

/** Stops this process's event loop, timers and all, as a long pause does. */
export function freezeProcess(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** Ids that break naive stores: braces and colons of key names, integer-like and magic property names, any script. */
export const ODD_IDS = [
  "{",
  "}",
  "{a}",
  "a:b",
  ":",
  "::",
  "10",
  "2",
  "02",
  "-1",
  "__proto__",
  "constructor",
  "toString",
  "a b",
  " ",
  "%",
  "*",
  "a*?[x]",
  "'; DROP TABLE doc; --",
  '"',
  "\\",
  "/../",
  "|",
  ",",
  "é",
  "ß",
  "한국",
  "日本語",
  "שלום",
  "مرحبا",
  "\u202Eevil",
  "😀",
  "👩‍👩‍👧",
  "\uFFFD",
  "\u{10FFFF}",
  "x".repeat(128),
  "😀".repeat(128),
] as const;

/** Sorted by the bytes of their UTF-8 form, which is not JavaScript's order of UTF-16 units. */
export function sortedByUtf8(ids: readonly string[]): string[] {
  return ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
