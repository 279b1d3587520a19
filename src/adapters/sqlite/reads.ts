import type { StatementSync } from "node:sqlite";
import {
  type AuditEntry,
  type AuditQuery,
  DOC_KINDS,
  type Doc,
  type DocKey,
  type DocKind,
  LIST_ORDER,
  type ListQuery,
  type ReadQuery,
  type ReadResult,
  type StoredRun,
} from "../../ports/store.ts";
import { readBudgetTotal } from "./budgets.ts";
import { numberOf, type Row, textOf } from "./rows.ts";
import type { Session } from "./session.ts";

const KINDS: ReadonlySet<string> = new Set(DOC_KINDS);

function isKind(text: string): text is DocKind {
  return KINDS.has(text);
}

function docOf(row: Row): Doc {
  const kind = textOf(row, "kind");
  if (!isKind(kind)) throw new TypeError(`unknown kind of document ${kind}`);
  return {
    key: { kind, scope: textOf(row, "scope"), id: textOf(row, "id") },
    version: numberOf(row, "version"),
    created: numberOf(row, "created"),
    body: textOf(row, "body"),
  };
}

export function readDoc({ sql, book }: Session, key: DocKey): Doc | undefined {
  const row = sql.readDoc.get(book, key.kind, key.scope, key.id);
  return row === undefined ? undefined : docOf(row);
}

function readSequences({ sql, book }: Session, worlds: readonly string[] | "all"): Map<string, number> {
  if (worlds === "all") {
    const rows = sql.listSequences.all(book);
    return new Map(rows.map((row) => [textOf(row, "world_id"), numberOf(row, "sequence")]));
  }
  const found = new Map<string, number>();
  for (const worldId of worlds) {
    const row = sql.readSequence.get(book, worldId);
    if (row !== undefined) found.set(worldId, numberOf(row, "sequence"));
  }
  return found;
}

/** Consistent without a transaction: nothing else writes the file, and nothing of ours runs in between. */
export function readDocs(session: Session, query: ReadQuery): ReadResult {
  const { sql, book, head } = session;
  return {
    head,
    budgetTotal: query.budget === undefined ? 0 : readBudgetTotal(session, query.budget),
    docs: query.keys.map((key) => readDoc(session, key)),
    collections: (query.collections ?? []).map(({ kind, scope }) =>
      sql.readCollection.all(book, kind, scope).map(docOf),
    ),
    sequences: readSequences(session, query.sequences ?? []),
  };
}

function pageOf({ sql, book }: Session, query: ListQuery): ReturnType<StatementSync["all"]> {
  const { kind, scope, limit, after } = query;
  if (LIST_ORDER[kind] === "id") {
    if (after === undefined) return sql.listById.all(book, kind, scope, limit);
    return sql.listByIdAfter.all(book, kind, scope, after.id, limit);
  }
  if (after === undefined) return sql.listNewest.all(book, kind, scope, limit);
  return sql.listNewestAfter.all(book, kind, scope, after.created, after.id, limit);
}

export function listDocs(session: Session, query: ListQuery): readonly Doc[] {
  return pageOf(session, query).map(docOf);
}

/** The run that claimed an id. */
export function findRun(session: Session, runId: string): StoredRun | undefined {
  const claim = session.sql.readClaim.get(session.book, runId);
  const run = readDoc(session, { kind: "run", scope: "", id: runId });
  return claim === undefined || run === undefined
    ? undefined
    : { fingerprint: textOf(claim, "fingerprint"), run };
}

/** Oldest first: commit order, and within a commit the order of its drafts. */
export function listAudit({ sql, book }: Session, query: AuditQuery): readonly AuditEntry[] {
  const { worldId, limit, after = { revision: 0, index: 0 } } = query;
  return sql.listAudit.all(book, worldId, after.revision, after.index, limit).map((row) => ({
    worldId: textOf(row, "world_id"),
    revision: numberOf(row, "revision"),
    index: numberOf(row, "position"),
    body: textOf(row, "body"),
  }));
}
