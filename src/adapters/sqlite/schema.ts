import type { DatabaseSync } from "node:sqlite";
import { unavailable } from "./errors.ts";
import { numberOf } from "./rows.ts";

/** "WsBk" in ASCII, in the header of every store file: tells our files from those of other programs. */
export const APPLICATION_ID = 0x5773426b;

/**
 * Every row is keyed by its book. Text compares as UTF-8 bytes (SQLite's BINARY collation), the order the ports
 * promise. Tables with large bodies keep their rowid, so that the key index stays narrow.
 */
const FIRST_SCHEMA = `
CREATE TABLE book (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  store_id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  hash TEXT NOT NULL,
  floor_revision INTEGER NOT NULL,
  floor_hash TEXT NOT NULL
) STRICT;
CREATE TABLE log (
  book INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  previous_hash TEXT NOT NULL,
  hash TEXT NOT NULL,
  payload TEXT NOT NULL,
  sequences TEXT NOT NULL,
  PRIMARY KEY (book, revision)
) STRICT;
CREATE TABLE doc (
  book INTEGER NOT NULL,
  kind TEXT NOT NULL,
  scope TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (book, kind, scope, id)
) STRICT;
CREATE INDEX doc_by_creation ON doc (book, kind, scope, created, id);
CREATE TABLE claim (
  book INTEGER NOT NULL,
  run_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  PRIMARY KEY (book, run_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
  book INTEGER NOT NULL,
  world_id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  position INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (book, world_id, revision, position)
) STRICT;
CREATE TABLE world_sequence (
  book INTEGER NOT NULL,
  world_id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY (book, world_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE budget (
  book INTEGER NOT NULL,
  name TEXT NOT NULL,
  total INTEGER NOT NULL,
  PRIMARY KEY (book, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE budget_member (
  book INTEGER NOT NULL,
  name TEXT NOT NULL,
  member TEXT NOT NULL,
  units INTEGER NOT NULL,
  PRIMARY KEY (book, name, member)
) STRICT, WITHOUT ROWID;
CREATE TABLE fence (
  book INTEGER NOT NULL,
  world_id TEXT NOT NULL,
  fence INTEGER NOT NULL,
  PRIMARY KEY (book, world_id)
) STRICT, WITHOUT ROWID;
`;

/** Step n brings a file from version n to n + 1. Released steps are never edited, only followed by new ones. */
const MIGRATIONS: readonly string[] = [FIRST_SCHEMA];

export const SCHEMA_VERSION = MIGRATIONS.length;

function readPragma(db: DatabaseSync, name: "application_id" | "user_version"): number {
  return numberOf(db.prepare(`PRAGMA ${name}`).get() ?? {}, name);
}

function isEmpty(db: DatabaseSync): boolean {
  return numberOf(db.prepare("SELECT count(*) AS entries FROM sqlite_schema").get() ?? {}, "entries") === 0;
}

/** Refuses what another program or a newer version wrote; changes nothing. */
function checkOrigin(db: DatabaseSync): void {
  const origin = readPragma(db, "application_id");
  const fresh = origin === 0 && isEmpty(db);
  if (!fresh && origin !== APPLICATION_ID) throw unavailable("the store file belongs to another program");
  const version = readPragma(db, "user_version");
  if (version > SCHEMA_VERSION) {
    throw unavailable(
      `the store file was written by a newer version (schema ${version}, this one knows ${SCHEMA_VERSION})`,
    );
  }
}

/**
 * Creates or updates the tables, in one transaction: a crash leaves the file as it was.
 *
 * @throws DomainError STORE_UNAVAILABLE for a file of another program or a newer version.
 */
export function migrate(db: DatabaseSync): void {
  checkOrigin(db);
  const version = readPragma(db, "user_version");
  if (version === SCHEMA_VERSION) return;
  db.exec("BEGIN IMMEDIATE");
  try {
    for (const step of MIGRATIONS.slice(version)) db.exec(step);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}
