import type { Lease } from "../../ports/lock-manager.ts";
import type { BudgetChange, CommitOutcome, CommitRequest, DocKey } from "../../ports/store.ts";
import { eventsPayload, payloadDigest } from "../chain-hash.ts";
import { CODE } from "./codes.ts";
import type { BookKeys, KeyTable } from "./keys.ts";
import type { Packable } from "./message-pack.ts";
import { toDoc } from "./reading.ts";

/** A commit as `append-commits-n.lua` takes it, still without the positions of its keys. */
export interface EncodedCommit {
  readonly request: CommitRequest;
  readonly touched: readonly TouchedDoc[];
  readonly payload: string;
  readonly digest: string;
  /** Length of all texts in it, in UTF-16 units: how long the script will have to handle it. */
  readonly weight: number;
}

/** A document with all that the commit says about it. */
interface TouchedDoc {
  readonly key: DocKey;
  readonly expected: string;
  readonly action: "put" | "delete" | "keep";
  readonly body: string;
}

/** Answer of the script for one request, as described in its header. */
export type CommitReply = readonly [code: number, ...rest: (string | null)[]];

export function encodeCommit(request: CommitRequest): EncodedCommit {
  const touched = touchedDocs(request);
  const payload = eventsPayload(request.events ?? []);
  let weight = payload.length;
  for (const doc of touched) weight += doc.body.length;
  for (const line of request.audit ?? []) weight += line.body.length;
  return { request, touched, payload, digest: payloadDigest(payload), weight };
}

/** One entry per document: expected ones first and in their order, so that the first stale one is named. */
function touchedDocs({ expect = [], puts = [], deletes = [] }: CommitRequest): readonly TouchedDoc[] {
  const docs = new Map<string, TouchedDoc>();
  const touch = (name: string, key: DocKey, change: Partial<TouchedDoc>) =>
    docs.set(name, { key, expected: "", action: "keep", body: "", ...docs.get(name), ...change });
  for (const { key, version } of expect) {
    // A second expectation of the same document is one more thing to check.
    const name = docs.has(nameOf(key)) ? `${nameOf(key)}\n${version}` : nameOf(key);
    touch(name, key, { expected: String(version) });
  }
  for (const { key, body } of puts) touch(nameOf(key), key, { action: "put", body });
  for (const key of deletes) touch(nameOf(key), key, { action: "delete", body: "" });
  return [...docs.values()];
}

/** Ids have no control characters, so names of different documents differ. */
function nameOf({ kind, scope, id }: DocKey): string {
  return `${kind}\n${scope}\n${id}`;
}

/** The commit as `append-commits-n.lua` takes it. */
export function packCommit(table: KeyTable, keys: BookKeys, commit: EncodedCommit): Packable {
  const { claim, lease, release = false, budget, events = [], audit = [] } = commit.request;
  return [
    claim?.runId ?? "",
    claim?.fingerprint ?? "",
    packLease(lease),
    release ? "1" : "0",
    packDocs(table, keys, commit.touched),
    ...packBudget(table, keys, budget),
    commit.payload,
    commit.digest,
    events.map(({ worldId }) => worldId),
    audit.flatMap(({ worldId, body }) => [table.at(keys.audit(worldId)), body]),
  ];
}

function packLease(lease: Lease | undefined): Packable {
  if (!lease) return [];
  return [...lease.fences].flatMap(([worldId, fence]) => [worldId, `${fence} ${lease.nonce} `]);
}

function packDocs(table: KeyTable, keys: BookKeys, touched: readonly TouchedDoc[]): Packable {
  const packed: Packable[] = [];
  for (const { key, expected, action, body } of touched) {
    packed.push(table.collectionAt(keys.collection(key.kind, key.scope)), key.id, expected, action, body);
  }
  return packed;
}

function packBudget(table: KeyTable, keys: BookKeys, budget: BudgetChange | undefined): readonly Packable[] {
  if (!budget) return ["", 0, "", []];
  const units = new Map(budget.set.map((change) => [change.member, change.units]));
  // Beyond 2^53 - 1 a total would not be exact.
  const limit = Math.min(budget.limit ?? Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const changes = [...units].flatMap(([member, amount]) => [member, String(amount)]);
  return [budget.name, table.at(keys.budgetMembers(budget.name)), String(limit), changes];
}

type ReplyFields = readonly (string | null)[];

/** What each code means for the commit; the fields are those that the script's header names. */
const OUTCOMES: ReadonlyMap<number, (commit: EncodedCommit, fields: ReplyFields) => CommitOutcome> = new Map([
  [CODE.DONE, committed],
  [CODE.REPLAYED, replayed],
  [CODE.RUN_REUSED, runReused],
  [CODE.FENCED, fenced],
  [CODE.STALE, stale],
  [CODE.OVER_BUDGET, overBudget],
]);

export function toOutcome(commit: EncodedCommit, [code, ...fields]: CommitReply): CommitOutcome {
  const translate = OUTCOMES.get(code);
  if (!translate) throw new Error(`the commit script answered ${code}, which has no meaning`);
  return translate(commit, fields);
}

function committed(_: EncodedCommit, [revision, hash, joined]: ReplyFields): CommitOutcome {
  return { kind: "committed", revision: Number(revision), hash: hash ?? "", sequences: toSequences(joined) };
}

function replayed({ request }: EncodedCommit, [run]: ReplyFields): CommitOutcome {
  return { kind: "replayed", run: toDoc(runKey(request), run) };
}

function runReused({ request }: EncodedCommit, [fingerprint, run]: ReplyFields): CommitOutcome {
  return { kind: "run_reused", fingerprint: fingerprint ?? "", run: toDoc(runKey(request), run) };
}

function fenced(_: EncodedCommit, [worldId]: ReplyFields): CommitOutcome {
  return { kind: "fenced", worldId: worldId ?? "" };
}

function stale({ request, touched }: EncodedCommit, [position, version]: ReplyFields): CommitOutcome {
  const key = touched[Number(position) - 1]?.key ?? runKey(request);
  return { kind: "stale", key, version: Number(version) };
}

function overBudget(_: EncodedCommit, [total]: ReplyFields): CommitOutcome {
  return { kind: "over_budget", total: Number(total) };
}

function runKey({ claim }: CommitRequest): DocKey {
  return { kind: "run", scope: "", id: claim?.runId ?? "" };
}

/** Sequences joined by ",", as the log keeps them. */
export function toSequences(joined: string | null | undefined): readonly number[] {
  return joined ? joined.split(",").map(Number) : [];
}
