import { fromStored } from "../../domain/stored-json.ts";
import { PAPER_DOCS, type PaperEntry, type PaperOrder } from "../../ports/paper-journal.ts";
import type { Doc, Store } from "../../ports/store.ts";
import { runKey, stored } from "../shared/keys.ts";
import { runNotFound } from "./read-executions.ts";

/** Where a page of the journal goes on: within the entry of this number, behind so many of its orders. */
export interface PaperPosition {
  readonly number: number;
  readonly index: number;
}

export interface PaperPage {
  readonly orders: readonly PaperOrder[];
  /** undefined = that was all so far. */
  readonly next: PaperPosition | undefined;
}

/** How many entries are read at once. */
const BATCH = 20;

/**
 * A page of the paper executor's journal, in the order in which it took the orders.
 *
 * @param runId empty = of every run.
 * @throws DomainError RUN_NOT_FOUND for a run that does not exist; one without paper orders has an empty page.
 */
export async function listPaperOrders(
  store: Store,
  runId: string,
  limit: number,
  from: PaperPosition,
): Promise<PaperPage> {
  const range = runId === "" ? await wholeJournal(store, from) : await entryOfRun(store, runId);
  const orders: PaperOrder[] = [];
  for await (const entry of journal(store, range)) {
    const start = entry.number === from.number ? from.index : 0;
    const end = Math.min(entry.orders.length, start + limit - orders.length);
    orders.push(...entry.orders.slice(start, end));
    if (orders.length === limit) return { orders, next: behind(entry, end, range.last) };
  }
  return { orders, next: undefined };
}

/** Where the next page begins, when this one ends behind the order `end` of an entry. */
function behind({ number, orders }: PaperEntry, end: number, last: number): PaperPosition | undefined {
  if (end < orders.length) return { number, index: end };
  return number < last ? { number: number + 1, index: 0 } : undefined;
}

async function* journal(store: Store, { first, last }: Range): AsyncGenerator<PaperEntry> {
  for (let number = first; number <= last; number += BATCH) {
    yield* await entries(store, number, Math.min(last, number + BATCH - 1));
  }
}

interface Range {
  readonly first: number;
  readonly last: number;
}

async function wholeJournal(store: Store, from: PaperPosition): Promise<Range> {
  const [head] = (await store.read({ keys: [PAPER_DOCS.head] })).docs;
  return { first: Math.max(1, from.number), last: numberIn(head) };
}

async function entryOfRun(store: Store, runId: string): Promise<Range> {
  const [run, ofRun] = (await store.read({ keys: [runKey(runId), PAPER_DOCS.ofRun(runId)] })).docs;
  if (run === undefined) throw runNotFound(runId);
  const number = numberIn(ofRun);
  return { first: Math.max(1, number), last: number };
}

async function entries(store: Store, first: number, last: number): Promise<PaperEntry[]> {
  const keys = Array.from({ length: last - first + 1 }, (_, i) => PAPER_DOCS.entry(first + i));
  const { docs } = await store.read({ keys });
  return docs.flatMap((doc) => (doc === undefined ? [] : [fromStored<PaperEntry>(doc.body)]));
}

function numberIn(doc: Doc | undefined): number {
  return stored<{ number: number }>(doc)?.number ?? 0;
}
