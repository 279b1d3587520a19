import type { BudgetChange, CommitOutcome, CommitRequest, DocKey } from "../../ports/store.ts";
import { eventsPayload, payloadDigest } from "../chain-hash.ts";
import { CODE } from "./codes.ts";
import type { BookKeys, KeyTable } from "./keys.ts";
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

/** Appends the commit's arguments, preceded by their number. */
export function pushCommit(args: string[], table: KeyTable, keys: BookKeys, commit: EncodedCommit): void {
  const countAt = args.push("") - 1;
  const { request, touched, payload, digest } = commit;
  const { claim, events = [], audit = [] } = request;
  args.push(claim?.runId ?? "", claim?.fingerprint ?? "");
  pushLease(args, table, keys, request);
  args.push(String(touched.length));
  for (const { key, expected, action, body } of touched) {
    args.push(table.collectionAt(keys.collection(key.kind, key.scope)), key.id, expected, action, body);
  }
  pushBudget(args, table, keys, request.budget);
  args.push(payload, digest, String(events.length));
  for (const event of events) args.push(event.worldId);
  args.push(String(audit.length));
  for (const line of audit) args.push(table.at(keys.audit(line.worldId)), line.body);
  args[countAt] = String(args.length - countAt - 1);
}

function pushLease(args: string[], table: KeyTable, keys: BookKeys, { lease, release }: CommitRequest): void {
  args.push(String(lease?.fences.size ?? 0));
  for (const [worldId, fence] of lease?.fences ?? []) {
    args.push(worldId, `${fence} ${lease?.nonce}`, table.at(keys.lock(worldId)));
  }
  args.push(lease && release ? lease.nonce : "");
}

function pushBudget(args: string[], table: KeyTable, keys: BookKeys, budget: BudgetChange | undefined): void {
  const units = new Map(budget?.set.map((change) => [change.member, change.units]));
  // Beyond 2^53 - 1 a total would not be exact.
  const limit = Math.min(budget?.limit ?? Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const members = budget ? keys.budgetMembers(budget.name) : keys.budgets;
  args.push(budget?.name ?? "", table.at(members), String(limit), String(units.size));
  for (const [member, amount] of units) args.push(member, String(amount));
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
