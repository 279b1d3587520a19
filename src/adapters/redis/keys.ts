import { type DocKind, LIST_ORDER } from "../../ports/store.ts";

/**
 * The only builder of key names. All keys of a book share one hash tag, so that Redis Cluster keeps them on one node
 * and one script may touch them all.
 *
 * Ids become percent-encoded UTF-8: no brace, colon or space of an id can reach the structure of a name, and two
 * different ids never give the same one.
 */
export interface BookKeys {
  /** Hash: schema, store_id, revision, hash, floor, floor_hash. */
  readonly meta: string;
  /** Stream, one entry per commit with id `<revision>-0`: h hash, p previous hash, s sequences, e events payload. */
  readonly log: string;
  /** Hash: run id → fingerprint. */
  readonly claims: string;
  /** Hash: world id → last sequence. */
  readonly sequences: string;
  /** Hash: world id → `<fence> <nonce> <held until, server milliseconds>` of the last acquisition. Never expires. */
  readonly holders: string;
  /** Hash: budget → total. */
  readonly budgets: string;
  /** Hash: member → units. */
  budgetMembers(budget: string): string;
  /** Stream with ids `<revision>-<index>`: b body. */
  audit(worldId: string): string;
  collection(kind: DocKind, scope: string): CollectionKeys;
}

export interface CollectionKeys {
  /** Hash: id → `<version> <created> <body>`. */
  readonly docs: string;
  /** Of kinds that are listed. */
  readonly index: CollectionIndex | undefined;
}

export interface CollectionIndex {
  /** Sorted set of ids, with score `created`, or with score 0 and so in byte order. */
  readonly key: string;
  readonly order: "id" | "newest";
}

export function bookKeys(book: string): BookKeys {
  const prefix = `ws:{${encoded(book)}}:`;
  return {
    meta: `${prefix}meta`,
    log: `${prefix}log`,
    claims: `${prefix}claims`,
    sequences: `${prefix}sequences`,
    holders: `${prefix}holders`,
    budgets: `${prefix}budgets`,
    budgetMembers: (budget) => `${prefix}budget:${encoded(budget)}`,
    audit: (worldId) => `${prefix}audit:${encoded(worldId)}`,
    collection(kind, scope) {
      const name = `${kind}:${encoded(scope)}`;
      const order = ORDERS[kind];
      const index = order && { key: `${prefix}${order === "id" ? "ids" : "created"}:${name}`, order };
      return { docs: `${prefix}docs:${name}`, index };
    },
  };
}

const ORDERS: Partial<Record<DocKind, CollectionIndex["order"]>> = LIST_ORDER;

const PLAIN = /^[\w.-]*$/;

function encoded(id: string): string {
  return PLAIN.test(id) ? id : encodeURIComponent(id);
}

/** The KEYS of one script call: every key once, named in arguments by its position. */
export interface KeyTable {
  readonly keys: readonly string[];
  /** The position of a key, counted from 1 as Lua does. */
  at(key: string): number;
  /** The position of a collection's hash. */
  collectionAt(keys: CollectionKeys): number;
  /** Of each collection that has an index: the positions of its hash and of its index, and the order. */
  readonly indexes: readonly (readonly [docs: number, index: number, order: string])[];
}

export function keyTable(fixed: readonly string[]): KeyTable {
  const keys = [...fixed];
  const indexes: [number, number, string][] = [];
  const positions = new Map<string, number>();
  const collections = new Map<string, number>();
  return {
    keys,
    indexes,
    at: (key) => remembered(positions, key, () => keys.push(key)),
    collectionAt: ({ docs, index }) =>
      remembered(collections, docs, () => {
        const position = keys.push(docs);
        if (index) indexes.push([position, keys.push(index.key), index.order]);
        return position;
      }),
  };
}

function remembered(positions: Map<string, number>, key: string, add: () => number): number {
  const known = positions.get(key);
  if (known !== undefined) return known;
  const position = add();
  positions.set(key, position);
  return position;
}
