/**
 * Judges what clients saw against what the store holds. Counts are violations; all of them must be 0.
 *
 * It recomputes on its own: the chain from the log's bytes, the state by folding the events, the budget from the
 * allocations. Where it could be asked to trust the store, it does not.
 */
import { createHash } from "node:crypto";
import { foldEvent } from "../../src/domain/events/fold.ts";
import type { AllocationUpdated, DomainEvent } from "../../src/domain/events/types.ts";
import {
  type Allocation,
  canonicalWorldState,
  EMPTY_WORLD_STATE,
  type WorldState,
} from "../../src/domain/state/world-state.ts";
import { fromStored } from "../../src/domain/stored-json.ts";
import type { LogEntry } from "../../src/ports/event-log.ts";
import type { OpenedStore } from "../../src/ports/opened-store.ts";
import type { DocKey, ReadResult } from "../../src/ports/store.ts";
import type { History, Run } from "./history.ts";
import { type RunVerdict, runVerdicts } from "./history-runs.ts";

export interface Findings {
  readonly revisions: number;
  readonly events: number;
  /** Acknowledged runs that are not in the feed. */
  lost: number;
  /** Runs that are in the feed by halves, or not as they were asked for. */
  torn: number;
  /** Runs with more than one set of events, or with different answers to equal requests. */
  duplicated: number;
  /** Revisions or world sequences that are missing or repeated. */
  gaps: number;
  /** Hashes that do not follow from the entry and the hash before. */
  chain: number;
  /** Commits that started from another state than the one they changed. */
  stale: number;
  /** Stored state, counters, records or audit that differ from the replayed feed. */
  replay: number;
  /** Runs in the feed that nobody sent, or that were refused for good. */
  phantom: number;
  /** Runs committed before they were sent or after another that was sent only when they had been answered. */
  order: number;
  /** Budget total ≠ Σ allocations, or a book above 1. */
  budget: number;
  /** Locks that cannot be had when everybody is gone. */
  locks: number;
  /** What was found, for people; the first hundred. */
  readonly details: string[];
}

type Violation = Exclude<keyof Findings, "revisions" | "events" | "details">;

export const VIOLATIONS: readonly Violation[] = [
  "lost",
  "torn",
  "duplicated",
  "gaps",
  "chain",
  "stale",
  "replay",
  "phantom",
  "order",
  "budget",
  "locks",
];

export interface CheckOptions {
  /** How long the locks of dead holders may live, in milliseconds. */
  readonly lockTtlMs: number;
}

const PAGE = 1_000;
const MAX_DETAILS = 100;
const UNITS = 1e12;

/** Only for a store that nobody writes to any more. */
export async function checkHistory(
  opened: OpenedStore,
  history: History,
  { lockTtlMs }: CheckOptions,
): Promise<Findings> {
  const entries = await wholeLog(opened);
  const found = noFindings(entries);
  const note = noter(found);
  checkChain(entries, note);
  const verdicts = runVerdicts(history);
  const folded = fold(entries, verdicts, note);
  checkRuns(verdicts, folded, note);
  await checkStored(opened, folded, note);
  await checkRecords(opened, folded, note);
  await checkLocks(opened, [...folded.worlds.keys()], lockTtlMs, note);
  return found;
}

export function violationsOf(found: Findings): number {
  return VIOLATIONS.reduce((sum, name) => sum + found[name], 0);
}

function noFindings(entries: readonly LogEntry[]): Findings {
  const events = entries.reduce((sum, entry) => sum + entry.events.length, 0);
  const zero = { lost: 0, torn: 0, duplicated: 0, gaps: 0, chain: 0, stale: 0, replay: 0 };
  const more = { phantom: 0, order: 0, budget: 0, locks: 0 };
  return { revisions: entries.length, events, ...zero, ...more, details: [] };
}

type Note = (violation: Violation, detail: string) => void;

function noter(found: Findings): Note {
  return (violation, detail) => {
    found[violation]++;
    if (found.details.length < MAX_DETAILS) found.details.push(`${violation}: ${detail}`);
  };
}

async function wholeLog({ log }: OpenedStore): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for (;;) {
    const page = await log.readAfter(entries.at(-1)?.revision ?? 0, PAGE);
    if (page.length === 0) return entries;
    entries.push(...page);
  }
}

/** Revisions without gap, each hash from the one before, world sequences without gap. */
function checkChain(entries: readonly LogEntry[], note: Note): void {
  const sequences = new Map<string, number>();
  let previous = "";
  for (const [i, { revision, hash, previousHash, events }] of entries.entries()) {
    if (revision !== i + 1) note("gaps", `entry ${i + 1} has revision ${revision}`);
    const payload = JSON.stringify(events.map(({ worldId, body }) => [worldId, body]));
    const digest = createHash("sha256").update(payload).digest("hex");
    const numbers = events.map(({ worldSequence }) => worldSequence).join(",");
    const expected = createHash("sha1").update(`${previous}|${revision}|${digest}|${numbers}`).digest("hex");
    if (previousHash !== previous || hash !== expected) note("chain", `revision ${revision}`);
    previous = hash;
    for (const { worldId, worldSequence } of events) {
      const next = (sequences.get(worldId) ?? 0) + 1;
      if (worldSequence !== next) note("gaps", `world ${worldId}: sequence ${worldSequence}, not ${next}`);
      sequences.set(worldId, next);
    }
  }
}

interface CommittedRun {
  readonly revisions: Set<number>;
  readonly worlds: Map<string, Allocation | undefined>;
  readonly planned: Set<string>;
}

interface Folded {
  readonly worlds: Map<string, ReturnType<typeof foldEvent>>;
  readonly sequences: Map<string, number>;
  readonly runs: Map<string, CommittedRun>;
}

/** Walks through the feed once, as a consumer would, and looks at each step. */
function fold(entries: readonly LogEntry[], verdicts: ReadonlyMap<string, RunVerdict>, note: Note): Folded {
  const folded: Folded = { worlds: new Map(), sequences: new Map(), runs: new Map() };
  const seen = new Set<string>();
  let total = 0;
  for (const { revision, events } of entries) {
    for (const { worldId, worldSequence, body } of events) {
      const event = fromStored<DomainEvent>(body);
      folded.sequences.set(worldId, worldSequence);
      if (seen.has(event.idempotencyKey)) note("duplicated", event.idempotencyKey);
      seen.add(event.idempotencyKey);
      total += step(folded, event, revision, verdicts, note);
    }
    if (total > UNITS) note("budget", `the book holds ${total / UNITS} after revision ${revision}`);
  }
  return folded;
}

/** One event; returns by how many units the book's total moves. */
function step(
  folded: Folded,
  event: DomainEvent,
  revision: number,
  verdicts: ReadonlyMap<string, RunVerdict>,
  note: Note,
): number {
  const { worldId } = event;
  const before = folded.worlds.get(worldId) ?? EMPTY_WORLD_STATE;
  const after = foldEvent(before, event);
  folded.worlds.set(worldId, after);
  const runId = event.correlationId.slice("run:".length);
  const run = committedRun(folded, runId);
  run.revisions.add(revision);
  if (event.type === "REBALANCING_PLANNED") run.planned.add(worldId);
  if (event.type !== "ALLOCATION_UPDATED") return 0;
  const { allocation } = event.payload;
  run.worlds.set(worldId, allocation);
  const wanted = verdicts.get(runId)?.run.etags.get(worldId);
  checkAllocation({ runId, worldId, before, after, payload: event.payload, wanted }, note);
  return units(allocation.allocation) - units(shareOf(before));
}

/** One allocation of a world, between the states around it. */
interface AllocationStep {
  readonly runId: string;
  readonly worldId: string;
  readonly before: WorldState;
  readonly after: WorldState;
  readonly payload: AllocationUpdated;
  /** The etag its caller asked for; undefined where none was. */
  readonly wanted: string | undefined;
}

function checkAllocation(
  { runId, worldId, before, after, payload, wanted }: AllocationStep,
  note: Note,
): void {
  const { previousAllocation, stateHash } = payload;
  const share = shareOf(before);
  if (previousAllocation !== share)
    note("stale", `${runId}: ${worldId} was ${share}, not ${previousAllocation}`);
  if (wanted !== undefined && wanted !== (before.allocation?.etag ?? ""))
    note("stale", `${runId}: ${worldId} had another etag`);
  const hash = createHash("sha256").update(canonicalWorldState(after)).digest("hex");
  if (stateHash !== `sha256:${hash}`) note("replay", `${runId}: state hash of ${worldId}`);
}

function shareOf(state: WorldState): number {
  return state.allocation?.allocation ?? 0;
}

function committedRun({ runs }: Folded, runId: string): CommittedRun {
  const known = runs.get(runId);
  if (known !== undefined) return known;
  const fresh: CommittedRun = { revisions: new Set(), worlds: new Map(), planned: new Set() };
  runs.set(runId, fresh);
  return fresh;
}

function units(share: number): number {
  return Math.round(share * UNITS);
}

/** Clients' verdicts against the feed: nothing acknowledged is missing, nothing else is there. */
function checkRuns(verdicts: ReadonlyMap<string, RunVerdict>, { runs }: Folded, note: Note): void {
  for (const [runId, verdict] of verdicts) checkRun(runId, verdict, runs.get(runId), note);
  for (const runId of runs.keys()) if (!verdicts.has(runId)) note("phantom", `nobody sent ${runId}`);
  checkOrder(verdicts, runs, note);
}

function checkRun(
  runId: string,
  { run, acknowledged, mayHaveHappened, answers }: RunVerdict,
  committed: CommittedRun | undefined,
  note: Note,
): void {
  if (answers.size > 1) note("duplicated", `${runId} has ${answers.size} different answers`);
  if (acknowledged && committed === undefined) note("lost", `${runId} was acknowledged`);
  if (committed === undefined) return;
  if (!mayHaveHappened) note("phantom", `${runId} was refused and yet committed`);
  if (committed.revisions.size > 1) note("duplicated", `${runId} has ${committed.revisions.size} commits`);
  if (!isWhole(run, committed)) note("torn", `${runId} is not whole`);
}

function isWhole(run: Run, committed: CommittedRun): boolean {
  if (![...run.shares.keys()].every((world) => committed.planned.has(world))) return false;
  if (run.rpc === "ApplyRebalance") return committed.worlds.size === 0;
  if (committed.worlds.size !== run.shares.size) return false;
  return [...run.shares].every(([world, share]) => committed.worlds.get(world)?.allocation === share / 1_000);
}

/** A run that was answered before another was sent comes first in the feed: revisions respect real time. */
function checkOrder(
  verdicts: ReadonlyMap<string, RunVerdict>,
  runs: ReadonlyMap<string, CommittedRun>,
  note: Note,
): void {
  const inOrder = [...runs].sort(([, a], [, b]) => Math.min(...a.revisions) - Math.min(...b.revisions));
  let latestSent = Number.NEGATIVE_INFINITY;
  for (const [runId] of inOrder) {
    const verdict = verdicts.get(runId);
    if (verdict === undefined) continue;
    if (verdict.answeredAt < latestSent)
      note("order", `${runId} was answered before an earlier commit was sent`);
    latestSent = Math.max(latestSent, verdict.sentAt);
  }
}

/** Documents, counters and budget equal what the feed folds to. */
async function checkStored({ store, log }: OpenedStore, folded: Folded, note: Note): Promise<void> {
  const stored = await store.read({
    keys: [],
    collections: [{ kind: "allocation", scope: "" }],
    budget: "allocation",
    sequences: "all",
  });
  const allocations = (stored.collections[0] ?? []).map((doc) => fromStored<Allocation>(doc.body));
  const shown = (list: readonly Allocation[]) =>
    JSON.stringify(
      list.map((each) => [each.worldId, canonicalWorldState({ ...EMPTY_WORLD_STATE, allocation: each })]),
    );
  const replayed = [...folded.worlds.values()].flatMap(({ allocation }) => (allocation ? [allocation] : []));
  replayed.sort((a, b) => Buffer.compare(Buffer.from(a.worldId), Buffer.from(b.worldId)));
  if (shown(allocations) !== shown(replayed)) note("replay", "stored allocations are not those of the feed");
  if (!sameNumbers(stored, folded)) note("replay", "stored sequences are not those of the feed");
  const sum = allocations.reduce((total, { allocation }) => total + units(allocation), 0);
  if (sum !== stored.budgetTotal) note("budget", `total ${stored.budgetTotal}, allocations ${sum}`);
  const { head } = await log.window();
  if (head.revision !== stored.head.revision || head.hash !== stored.head.hash) note("replay", "two heads");
}

function sameNumbers({ sequences }: ReadResult, folded: Folded): boolean {
  return (
    sequences.size === folded.sequences.size &&
    [...folded.sequences].every(([world, sequence]) => sequences.get(world) === sequence)
  );
}

/** Every run of the feed has its record and its lines in the audit log, and no other has. */
async function checkRecords({ store }: OpenedStore, { runs, worlds }: Folded, note: Note): Promise<void> {
  const ids = [...runs.keys()];
  for (let from = 0; from < ids.length; from += PAGE) {
    const page = ids.slice(from, from + PAGE);
    const { docs } = await store.read({ keys: page.map((id): DocKey => ({ kind: "run", scope: "", id })) });
    for (const [i, id] of page.entries()) {
      const doc = docs[i];
      if (doc === undefined || !runs.get(id)?.revisions.has(doc.created)) note("replay", `record of ${id}`);
    }
  }
  for (const worldId of worlds.keys()) {
    const expected = [...runs.values()].filter(
      (run) => run.planned.has(worldId) || run.worlds.has(worldId),
    ).length;
    const lines = await auditLines(store, worldId);
    if (lines !== expected) note("replay", `${worldId}: ${lines} audit lines for ${expected} runs`);
  }
}

async function auditLines(store: OpenedStore["store"], worldId: string): Promise<number> {
  let count = 0;
  let after: { readonly revision: number; readonly index: number } | undefined;
  for (;;) {
    const page = await store.listAudit({ worldId, limit: PAGE, ...(after === undefined ? {} : { after }) });
    count += page.length;
    after = page.at(-1);
    if (after === undefined) return count;
  }
}

async function checkLocks(
  { locks }: OpenedStore,
  worlds: string[],
  ttlMs: number,
  note: Note,
): Promise<void> {
  if (worlds.length === 0) return;
  try {
    const { lease } = await locks.acquire(worlds, { timeoutMs: ttlMs + 5_000 });
    await lease.release();
  } catch (error) {
    note("locks", String(error));
  }
}
