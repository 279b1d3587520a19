import type { Collection, Doc, DocKey, ReadQuery, ReadResult } from "../../ports/store.ts";
import type { BookKeys, KeyTable } from "./keys.ts";
import { storeUnavailable } from "./unavailable.ts";

/** What `includes/reading.lua` answers: documents, collections, total of the budget. */
export type QueryReply = readonly [
  docs: readonly (string | null)[],
  collections: readonly (readonly string[])[],
  budgetTotal: string | null,
];

export const NO_QUERY: ReadQuery = { keys: [] };

/** Appends the query as `includes/reading.lua` takes it. */
export function pushQuery(args: string[], table: KeyTable, keys: BookKeys, query: ReadQuery): void {
  args.push(String(query.keys.length));
  for (const key of query.keys) {
    args.push(table.at(keys.collection(key.kind, key.scope).docs), key.id);
  }
  const collections = query.collections ?? [];
  args.push(String(collections.length));
  for (const { kind, scope } of collections) args.push(table.at(keys.collection(kind, scope).docs));
  args.push(query.budget ?? "", table.at(keys.budgets));
}

/**
 * @throws DomainError STORE_UNAVAILABLE when Redis holds no such book (any more): `head` comes back empty.
 */
export function toReadResult(
  query: ReadQuery,
  head: readonly [string | null, string | null],
  [docs, collections, budgetTotal]: QueryReply,
): ReadResult {
  return {
    head: toHead(head),
    docs: query.keys.map((key, i) => toDoc(key, docs[i])),
    collections: (query.collections ?? []).map((collection, i) =>
      toCollection(collection, collections[i] ?? []),
    ),
    budgetTotal: Number(budgetTotal ?? 0),
  };
}

export function toHead([revision, hash]: readonly [string | null, string | null]) {
  if (revision === null || hash === null) throw storeUnavailable("the book is gone from Redis");
  return { revision: Number(revision), hash };
}

/** Unpacks `<version> <created> <body>`. */
export function toDoc(key: DocKey, stored: string | null | undefined): Doc | undefined {
  if (stored === null || stored === undefined) return undefined;
  const first = stored.indexOf(" ");
  const second = stored.indexOf(" ", first + 1);
  return {
    key,
    version: Number(stored.slice(0, first)),
    created: Number(stored.slice(first + 1, second)),
    body: stored.slice(second + 1),
  };
}

/** Documents from id, document, id, document …, in that order. */
export function toDocs({ kind, scope }: Collection, flat: readonly string[]): Doc[] {
  const docs: Doc[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const doc = toDoc({ kind, scope, id: flat[i] ?? "" }, flat[i + 1]);
    if (doc) docs.push(doc);
  }
  return docs;
}

function toCollection(collection: Collection, flat: readonly string[]): Doc[] {
  return toDocs(collection, flat)
    .map((doc) => ({ doc, bytes: Buffer.from(doc.key.id) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ doc }) => doc);
}
