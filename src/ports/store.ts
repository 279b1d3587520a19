import type { Lease } from "./lock-manager.ts";

/**
 * The book's documents. Every change is one commit: state, run record, audit and events become visible
 * together or not at all, under the next revision (1, 2, 3 … without gap).
 */

/** What kinds of documents the book holds. A kind is a folder of the store, never part of user input. */
export const DOC_KINDS = [
  "run",
  "applied_run",
  "allocation",
  "activation",
  "decisions",
  "bindings",
  "history",
  "history_index",
  "apply",
  "open_apply",
  "ack",
  "world",
  "policy",
  "policy_head",
  "series",
  "series_stats",
  "series_world",
  "effective_mode",
  "execution",
  "open_execution",
  "paper_order",
] as const;

export type DocKind = (typeof DOC_KINDS)[number];

/** `scope` is a world id, or empty for documents of the whole book. Both ids are any text without control characters. */
export interface DocKey {
  readonly kind: DocKind;
  readonly scope: string;
  readonly id: string;
}

/** A stored document. `version` is the revision of the commit that wrote it last, `created` of the one that wrote it first. */
export interface Doc {
  readonly key: DocKey;
  readonly version: number;
  readonly created: number;
  /** JSON text, opaque to the store. */
  readonly body: string;
}

/** The newest commit: its number and the chain hash over everything up to it. Revision 0 has an empty hash. */
export interface Head {
  readonly revision: number;
  readonly hash: string;
}

/** All documents of one kind and scope. */
export interface Collection {
  readonly kind: DocKind;
  readonly scope: string;
}

/** Sums that span worlds which no single lock covers, kept by the store itself. */
export type BudgetName = "allocation";

/** What to read in one consistent step. */
export interface ReadQuery {
  readonly keys: readonly DocKey[];
  readonly collections?: readonly Collection[];
  /** Also tell this budget's total. */
  readonly budget?: BudgetName;
  /** Also tell how many events these worlds have, or all that have any. */
  readonly sequences?: readonly string[] | "all";
}

/** The answer, in the order of the query, all of it as of `head`. Collections are sorted by the UTF-8 bytes of the id. */
export interface ReadResult {
  readonly head: Head;
  readonly docs: readonly (Doc | undefined)[];
  readonly collections: readonly (readonly Doc[])[];
  /** Total of the budget that was asked for, in its integer units; 0 when none was. */
  readonly budgetTotal: number;
  /** World → number of its newest event. Worlds without events are absent; empty when nobody asked. */
  readonly sequences: ReadonlyMap<string, number>;
}

/**
 * The kinds that are listed page by page, each in one order: `newest` is by creation, latest first, `id` by the UTF-8
 * bytes of the id. Documents of other kinds are only read.
 */
export const LIST_ORDER = {
  applied_run: "newest",
  execution: "newest",
  policy: "newest",
  world: "id",
} as const satisfies Partial<Record<DocKind, "id" | "newest">>;

/** One page of a collection, in the order of its kind. */
export interface ListQuery extends Collection {
  readonly kind: keyof typeof LIST_ORDER;
  /** How many documents at most, 1 or more. */
  readonly limit: number;
  /** Continue behind this document of the page before (its id and `created`). */
  readonly after?: { readonly id: string; readonly created: number };
}

/** Claims a run id for ever. Equal fingerprints are the same request; another one with the same id is refused. */
export interface RunClaim {
  readonly runId: string;
  readonly fingerprint: string;
}

/** The document must be at this version, 0 = must not exist. */
export interface DocExpectation {
  readonly key: DocKey;
  readonly version: number;
}

export interface DocPut {
  readonly key: DocKey;
  readonly body: string;
}

/**
 * Sets what single members take of a budget; members that are not named keep theirs. Amounts are integers
 * (0 … 2^53 − 1), so that the running total is exact in every store and never drifts.
 */
export interface BudgetChange {
  readonly name: BudgetName;
  readonly set: readonly { readonly member: string; readonly units: number }[];
  /** The commit is refused when the total would be above this, whatever it was before; undefined = no limit. */
  readonly limit?: number;
}

/** One event of the commit, JSON text. The store adds the revision and the world's next sequence number. */
export interface EventDraft {
  readonly worldId: string;
  readonly body: string;
}

/** One line of the audit log of a world; the empty world id is the book's own log. */
export interface AuditDraft {
  readonly worldId: string;
  readonly body: string;
}

/**
 * One atomic step. The store checks, in this order and before anything is written: the run claim, the lease
 * (nonce and fence of every world in it are compared for equality), the expectations, the budget. Then it appends and
 * writes.
 */
export interface CommitRequest {
  readonly lease?: Lease;
  readonly claim?: RunClaim;
  readonly expect?: readonly DocExpectation[];
  readonly budget?: BudgetChange;
  readonly puts?: readonly DocPut[];
  readonly deletes?: readonly DocKey[];
  readonly events?: readonly EventDraft[];
  readonly audit?: readonly AuditDraft[];
  /** Give the lease back in the same step when the commit succeeds or answers "replayed". */
  readonly release?: boolean;
}

/** What came of a commit. Everything but "committed" changed nothing. */
export type CommitOutcome =
  | {
      readonly kind: "committed";
      readonly revision: number;
      readonly hash: string;
      /** The world sequence of each event, in the order of `events`. */
      readonly sequences: readonly number[];
    }
  /** The run was claimed before with the same fingerprint: `run` is its stored document (kind "run", empty scope). */
  | { readonly kind: "replayed"; readonly run: Doc | undefined }
  | { readonly kind: "run_reused"; readonly fingerprint: string; readonly run: Doc | undefined }
  | { readonly kind: "fenced"; readonly worldId: string }
  | { readonly kind: "stale"; readonly key: DocKey; readonly version: number }
  /** `total` is what the budget would have come to. */
  | { readonly kind: "over_budget"; readonly total: number };

/** A claimed run: the fingerprint of its request and its document. */
export interface StoredRun {
  readonly fingerprint: string;
  readonly run: Doc;
}

export interface AuditEntry {
  readonly worldId: string;
  readonly revision: number;
  /** 0-based position within its commit. */
  readonly index: number;
  readonly body: string;
}

export interface AuditQuery {
  readonly worldId: string;
  readonly limit: number;
  /** Continue behind this entry. */
  readonly after?: { readonly revision: number; readonly index: number };
}

/** What an operator and GetCapabilities may know of the store. */
export interface StoreInfo {
  readonly kind: "sqlite" | "memory" | "redis";
  /** `fsync`: acknowledged = on disk; `replicated`: also on a replica; `degraded`: allowed by setting; `none`: memory only. */
  readonly durability: "fsync" | "replicated" | "degraded" | "none";
  /** Random name of this history; a restored backup gets a new one. */
  readonly storeId: string;
}

/**
 * Every method rejects with DomainError STORE_UNAVAILABLE when the store cannot be reached or does not answer in
 * time. A commit rejected that way may have happened: repeat it with the same claim and the store tells.
 */
export interface Store {
  readonly info: StoreInfo;
  read(query: ReadQuery): Promise<ReadResult>;
  list(query: ListQuery): Promise<readonly Doc[]>;
  findRun(runId: string): Promise<StoredRun | undefined>;
  commit(request: CommitRequest): Promise<CommitOutcome>;
  listAudit(query: AuditQuery): Promise<readonly AuditEntry[]>;
  close(): Promise<void>;
}
