import { fromStored, toStored } from "../../domain/stored-json.ts";
import type { Clock } from "../../ports/clock.ts";
import type {
  Executor,
  OrderStatus,
  Submission,
  SubmitOutcome,
  SubmittedOrder,
} from "../../ports/executor.ts";
import { PAPER_DOCS, type PaperEntry, type PaperOrder } from "../../ports/paper-journal.ts";
import type { Doc, DocExpectation, Store } from "../../ports/store.ts";

/** Two runs that come at once compete for the next number; each try seats one of them. */
const MAX_TRIES = 50;

/**
 * Fills every order whole, at once, at the price the plan valued it at, into a journal in the store. It recognises
 * repeats and answers look-ups, so nothing is ever in doubt for long.
 */
export function paperExecutor({ store, clock }: { readonly store: Store; readonly clock: Clock }): Executor {
  return {
    kind: "paper",
    capabilities: () => Promise.resolve({ idempotentSubmit: true, lookup: true, visibilityDelayMs: 0 }),
    async submit(submission) {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const outcome = await write(store, submission, clock.now());
        if (outcome !== undefined) return outcome;
      }
      return { kind: "busy", retryAfterMs: 100, message: "the journal is being written by many" };
    },
    lookUp: (runId, ids) => lookUp(store, runId, ids),
    close: () => Promise.resolve(),
  };
}

/** One try: undefined when somebody else wrote in between. A store that is away makes the outcome unknown. */
async function write(
  store: Store,
  { runId, orders }: Submission,
  nowMs: number,
): Promise<SubmitOutcome | undefined> {
  try {
    const { docs } = await store.read({ keys: [PAPER_DOCS.head, PAPER_DOCS.ofRun(runId)] });
    const [head, ofRun] = docs;
    const number = ofRun === undefined ? numberIn(head) + 1 : numberIn(ofRun);
    const [doc] = (await store.read({ keys: [PAPER_DOCS.entry(number)] })).docs;
    const before = doc === undefined ? [] : fromStored<PaperEntry>(doc.body).orders;
    const entry: PaperEntry = { number, runId, orders: withNew(before, runId, orders, nowMs) };
    if (entry.orders.length > before.length) {
      const expect = [expected(PAPER_DOCS.head, head), expected(PAPER_DOCS.entry(number), doc)];
      const outcome = await store.commit({ expect, puts: putsOf(entry, ofRun === undefined) });
      if (outcome.kind !== "committed") return undefined;
    }
    return { kind: "answered", statuses: entry.orders.map(statusOf) };
  } catch {
    return { kind: "unknown", message: "the store did not answer the paper executor" };
  }
}

function numberIn(doc: Doc | undefined): number {
  return doc === undefined ? 0 : fromStored<{ number: number }>(doc.body).number;
}

function expected(key: DocExpectation["key"], doc: Doc | undefined): DocExpectation {
  return { key, version: doc?.version ?? 0 };
}

function putsOf(entry: PaperEntry, isNewRun: boolean) {
  const number = toStored({ number: entry.number });
  const own = { key: PAPER_DOCS.entry(entry.number), body: toStored(entry) };
  if (!isNewRun) return [own];
  return [own, { key: PAPER_DOCS.ofRun(entry.runId), body: number }, { key: PAPER_DOCS.head, body: number }];
}

function withNew(
  before: readonly PaperOrder[],
  runId: string,
  orders: readonly SubmittedOrder[],
  nowMs: number,
): PaperOrder[] {
  const known = new Set(before.map(({ order }) => order.clientOrderId));
  const fresh = orders.filter(({ order }) => !known.has(order.clientOrderId));
  const filled = fresh.map(({ order, price }): PaperOrder => {
    return { runId, order, fill: { quantity: order.quantity, price, filledAtMs: nowMs } };
  });
  return [...before, ...filled];
}

function statusOf({ order, fill }: PaperOrder): OrderStatus {
  return { clientOrderId: order.clientOrderId, state: "FILLED", fills: [fill], message: "" };
}

async function lookUp(
  store: Store,
  runId: string,
  ids: readonly string[],
): Promise<readonly OrderStatus[] | undefined> {
  try {
    const known = new Map(
      (await filledOrders(store, runId)).map((paper) => [paper.order.clientOrderId, paper]),
    );
    return ids.map((clientOrderId): OrderStatus => {
      const paper = known.get(clientOrderId);
      return paper === undefined
        ? { clientOrderId, state: "NOT_FOUND", fills: [], message: "" }
        : statusOf(paper);
    });
  } catch {
    return undefined; // the store is away; it is asked again later
  }
}

async function filledOrders(store: Store, runId: string): Promise<readonly PaperOrder[]> {
  const [ofRun] = (await store.read({ keys: [PAPER_DOCS.ofRun(runId)] })).docs;
  const [doc] = (await store.read({ keys: [PAPER_DOCS.entry(numberIn(ofRun))] })).docs;
  return doc === undefined ? [] : fromStored<PaperEntry>(doc.body).orders;
}
