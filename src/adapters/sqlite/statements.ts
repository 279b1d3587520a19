import type { DatabaseSync, StatementSync } from "node:sqlite";

const DOC_COLUMNS = "kind, scope, id, version, created, body";

/** Every statement of the store, compiled once per connection. The first parameter is always the book's number. */
const SQL = {
  readDoc: `SELECT ${DOC_COLUMNS} FROM doc WHERE book = ? AND kind = ? AND scope = ? AND id = ?`,
  readVersion: "SELECT version FROM doc WHERE book = ? AND kind = ? AND scope = ? AND id = ?",
  readCollection: `SELECT ${DOC_COLUMNS} FROM doc WHERE book = ? AND kind = ? AND scope = ? ORDER BY id`,
  listById: `SELECT ${DOC_COLUMNS} FROM doc WHERE book = ? AND kind = ? AND scope = ? ORDER BY id LIMIT ?`,
  listByIdAfter: `SELECT ${DOC_COLUMNS} FROM doc WHERE book = ? AND kind = ? AND scope = ? AND id > ? ORDER BY id LIMIT ?`,
  listNewest: `SELECT ${DOC_COLUMNS} FROM doc WHERE book = ? AND kind = ? AND scope = ? ORDER BY created DESC, id DESC LIMIT ?`,
  listNewestAfter: `SELECT ${DOC_COLUMNS} FROM doc WHERE book = ? AND kind = ? AND scope = ? AND (created, id) < (?, ?) ORDER BY created DESC, id DESC LIMIT ?`,
  readClaim: "SELECT fingerprint FROM claim WHERE book = ? AND run_id = ?",
  addClaim: "INSERT INTO claim (book, run_id, fingerprint) VALUES (?, ?, ?)",
  putDoc: `INSERT INTO doc (book, kind, scope, id, version, created, body) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (book, kind, scope, id) DO UPDATE SET version = excluded.version, body = excluded.body`,
  deleteDoc: "DELETE FROM doc WHERE book = ? AND kind = ? AND scope = ? AND id = ?",
  advanceSequence: `INSERT INTO world_sequence (book, world_id, sequence) VALUES (?, ?, ?)
    ON CONFLICT (book, world_id) DO UPDATE SET sequence = sequence + excluded.sequence RETURNING sequence`,
  readSequence: "SELECT sequence FROM world_sequence WHERE book = ? AND world_id = ?",
  listSequences: "SELECT world_id, sequence FROM world_sequence WHERE book = ?",
  appendLog:
    "INSERT INTO log (book, revision, previous_hash, hash, payload, sequences) VALUES (?, ?, ?, ?, ?, ?)",
  addAudit: "INSERT INTO audit (book, world_id, revision, position, body) VALUES (?, ?, ?, ?, ?)",
  listAudit: `SELECT world_id, revision, position, body FROM audit
    WHERE book = ? AND world_id = ? AND (revision, position) > (?, ?) ORDER BY revision, position LIMIT ?`,
  moveHead: "UPDATE book SET revision = ?2, hash = ?3 WHERE id = ?1",
  readBook: "SELECT store_id, revision, hash, floor_revision, floor_hash FROM book WHERE id = ?",
  readLogAfter: `SELECT revision, previous_hash, hash, payload, sequences FROM log
    WHERE book = ? AND revision > ? ORDER BY revision LIMIT ?`,
  readHash: "SELECT hash FROM log WHERE book = ? AND revision = ?",
  moveFloor: "UPDATE book SET floor_revision = ?2, floor_hash = ?3 WHERE id = ?1",
  dropLog: "DELETE FROM log WHERE book = ? AND revision <= ?",
  readBudget: "SELECT total FROM budget WHERE book = ? AND name = ?",
  putBudget: `INSERT INTO budget (book, name, total) VALUES (?, ?, ?)
    ON CONFLICT (book, name) DO UPDATE SET total = excluded.total`,
  readMember: "SELECT units FROM budget_member WHERE book = ? AND name = ? AND member = ?",
  putMember: `INSERT INTO budget_member (book, name, member, units) VALUES (?, ?, ?, ?)
    ON CONFLICT (book, name, member) DO UPDATE SET units = excluded.units`,
  readFence: "SELECT fence FROM fence WHERE book = ? AND world_id = ?",
  putFence: `INSERT INTO fence (book, world_id, fence) VALUES (?, ?, ?)
    ON CONFLICT (book, world_id) DO UPDATE SET fence = max(fence, excluded.fence)`,
} as const;

const CONTROL = {
  begin: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  savepoint: "SAVEPOINT one",
  release: "RELEASE one",
  undo: "ROLLBACK TO one",
} as const;

type Name = keyof typeof SQL | keyof typeof CONTROL;

export type Statements = Readonly<Record<Name, StatementSync>>;

/** Compiles all statements; fails when the tables are not there. */
export function prepareStatements(db: DatabaseSync): Statements {
  const entries = Object.entries({ ...SQL, ...CONTROL }).map(
    ([name, sql]) => [name, db.prepare(sql)] as const,
  );
  return Object.fromEntries(entries) as Record<Name, StatementSync>;
}
