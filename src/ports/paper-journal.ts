import type { FillFacts, OrderFacts } from "../domain/events/types.ts";

/** One order that the paper executor has filled: whole, at the price it came with. */
export interface PaperOrder {
  readonly runId: string;
  readonly order: OrderFacts;
  readonly fill: FillFacts;
}

/** The orders of one run in the journal; `number` rises by one with every run that is new to it. */
export interface PaperEntry {
  readonly number: number;
  readonly runId: string;
  readonly orders: readonly PaperOrder[];
}

/** What the paper executor keeps in the store. Its documents are the only trace of what it did. */
export const PAPER_DOCS = {
  /** Entries by number, in the order in which runs came. */
  entry: (number: number) =>
    ({ kind: "paper_order", scope: "", id: String(number).padStart(12, "0") }) as const,
  /** Run → number of its entry. */
  ofRun: (runId: string) => ({ kind: "paper_order", scope: "run", id: runId }) as const,
  /** The highest number so far. */
  head: { kind: "paper_order", scope: "head", id: "number" } as const,
};
