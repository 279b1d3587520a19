import type { DatabaseSync } from "node:sqlite";
import { chainHash, payloadDigest } from "../chain-hash.ts";
import { unavailable } from "./errors.ts";
import { parsePayload, parseSequences } from "./event-log.ts";
import { numberOf, type Row, textOf } from "./rows.ts";

interface Link {
  readonly revision: number;
  readonly hash: string;
}

function broken(revision: number): Error {
  return unavailable(`the history of the store file is broken at revision ${revision}`);
}

/** The entry must follow the one before it, and hash to what it says. */
function follow(before: Link, row: Row): Link {
  const revision = numberOf(row, "revision");
  const sequences = parseSequences(textOf(row, "sequences"));
  const hash = chainHash(before.hash, before.revision + 1, payloadDigest(textOf(row, "payload")), sequences);
  const follows = revision === before.revision + 1 && textOf(row, "previous_hash") === before.hash;
  if (!follows || textOf(row, "hash") !== hash) throw broken(before.revision + 1);
  return { revision, hash };
}

/** Per world the sequences of the window rise one by one; they start at 1 where nothing was trimmed. */
function checkSequences(row: Row, newest: Map<string, number>, trimmed: boolean): void {
  const sequences = parseSequences(textOf(row, "sequences"));
  const drafts = parsePayload(textOf(row, "payload"));
  if (drafts.length !== sequences.length) throw broken(numberOf(row, "revision"));
  for (const [index, [worldId]] of drafts.entries()) {
    const sequence = sequences[index] ?? 0;
    const before = newest.get(worldId) ?? (trimmed ? sequence - 1 : 0);
    if (sequence !== before + 1) throw broken(numberOf(row, "revision"));
    newest.set(worldId, sequence);
  }
}

function verifyBook(db: DatabaseSync, book: Row): void {
  const id = numberOf(book, "id");
  let link: Link = { revision: numberOf(book, "floor_revision"), hash: textOf(book, "floor_hash") };
  const trimmed = link.revision > 0;
  const newest = new Map<string, number>();
  const rows = db.prepare(
    "SELECT revision, previous_hash, hash, payload, sequences FROM log WHERE book = ? ORDER BY revision",
  );
  for (const row of rows.iterate(id)) {
    link = follow(link, row);
    checkSequences(row, newest, trimmed);
  }
  if (link.revision !== numberOf(book, "revision") || link.hash !== textOf(book, "hash")) {
    throw broken(link.revision + 1);
  }
  const counters = db.prepare("SELECT world_id, sequence FROM world_sequence WHERE book = ?");
  for (const row of counters.iterate(id)) {
    const last = newest.get(textOf(row, "world_id"));
    if (last !== undefined && last !== numberOf(row, "sequence")) throw broken(link.revision);
  }
}

/**
 * Reads the whole file: SQLite's own check, then every book's chain from its floor to its head.
 *
 * @throws DomainError STORE_UNAVAILABLE naming the first revision that does not fit.
 */
export function verifyHistory(db: DatabaseSync): void {
  const verdict = db.prepare("PRAGMA integrity_check(1)").get();
  if (verdict?.integrity_check !== "ok")
    throw unavailable("the store file is damaged; restore another backup");
  for (const book of db.prepare("SELECT * FROM book").all()) verifyBook(db, book);
}
