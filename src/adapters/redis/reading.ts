import type { Collection, Doc, DocKey, ReadQuery, ReadResult } from "../../ports/store.ts";
import type { BookKeys, KeyTable } from "./keys.ts";
import type { Packable } from "./message-pack.ts";
import { storeUnavailable } from "./unavailable.ts";

/** What `includes/reading.lua` answers. */
export type QueryReply = readonly [
  docs: readonly (string | null)[],
  collections: readonly (readonly string[])[],
  budgetTotal: string | null,
  sequences: readonly (string | null)[],
];

export const NO_QUERY: ReadQuery = { keys: [] };

/** The query as `includes/reading.lua` takes it. */
export function encodeQuery(table: KeyTable, keys: BookKeys, query: ReadQuery): Packable {
  const docs: Packable[] = [];
  for (const key of query.keys) docs.push(table.at(keys.collection(key.kind, key.scope).docs), key.id);
  const collections = (query.collections ?? []).map(({ kind, scope }) =>
    table.at(keys.collection(kind, scope).docs),
  );
  const worlds = query.sequences ?? [];
  return [docs, collections, query.budget ?? "", table.at(keys.budgets), worlds, table.at(keys.sequences)];
}

/**
 * @throws DomainError STORE_UNAVAILABLE when Redis holds no such book (any more): `head` comes back empty.
 */
export function toReadResult(
  query: ReadQuery,
  head: readonly [string | null, string | null],
  [docs, collections, budgetTotal, sequences]: QueryReply,
): ReadResult {
  return {
    head: toHead(head),
    docs: query.keys.map((key, i) => toDoc(key, docs[i])),
    collections: (query.collections ?? []).map((collection, i) =>
      toCollection(collection, collections[i] ?? []),
    ),
    budgetTotal: Number(budgetTotal ?? 0),
    sequences: toSequencesByWorld(sequences),
  };
}

/** From world, number, world, number …; null for a world without events. */
function toSequencesByWorld(flat: readonly (string | null)[]): ReadonlyMap<string, number> {
  const sequences = new Map<string, number>();
  for (let i = 0; i < flat.length; i += 2) {
    const [world, sequence] = [flat[i], flat[i + 1]];
    if (typeof world === "string" && typeof sequence === "string") sequences.set(world, Number(sequence));
  }
  return sequences;
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
