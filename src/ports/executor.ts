import type { FillFacts, OrderFacts } from "../domain/events/types.ts";

/** What an executor can do: it decides what happens after a call whose outcome is not known. */
export interface ExecutorCapabilities {
  /** An order that is submitted again under its name is recognised and not placed twice. */
  readonly idempotentSubmit: boolean;
  /** It answers for every order that was ever submitted. */
  readonly lookup: boolean;
  /** Longest time after which an order that was taken shows in look-ups, in milliseconds. */
  readonly visibilityDelayMs: number;
}

export type OrderState = "ACCEPTED" | "PARTIALLY_FILLED" | "FILLED" | "REJECTED" | "CANCELLED" | "NOT_FOUND";

/** What an executor says of one order. Nothing of it is believed before `readStatuses` has looked at it. */
export interface OrderStatus {
  readonly clientOrderId: string;
  /** undefined = it did not say, or in words that nobody knows. */
  readonly state: OrderState | undefined;
  /** All of them each time, oldest first. */
  readonly fills: readonly FillFacts[];
  readonly message: string;
}

export interface SubmittedOrder {
  readonly order: OrderFacts;
  /** What the plan valued one unit at, in base currency; 0 = unknown. */
  readonly price: number;
}

export interface Submission {
  readonly runId: string;
  /** Rises with every driver of the run: an executor may refuse a lower one than it has seen. */
  readonly fence: number;
  /** In the sequence in which they are to be placed. */
  readonly orders: readonly SubmittedOrder[];
}

/** What came of a submission. */
export type SubmitOutcome =
  /** Orders that no status speaks of may have been taken. */
  | { readonly kind: "answered"; readonly statuses: readonly OrderStatus[] }
  /** Nothing was taken, and the same orders will never be. */
  | { readonly kind: "refused"; readonly message: string }
  /** Nothing was taken; the same orders may be sent again after this pause. */
  | { readonly kind: "busy"; readonly retryAfterMs: number; readonly message: string }
  /** Nothing was taken: somebody with a higher fence drives the run. */
  | { readonly kind: "fenced" }
  /** Some, all or none of the orders may have been taken, now or later. */
  | { readonly kind: "unknown"; readonly message: string };

/** Who receives orders. The same order has the same `clientOrderId` in every attempt. */
export interface Executor {
  readonly kind: "none" | "paper" | "grpc";
  /**
   * Asked before anything is submitted.
   *
   * @throws DomainError EXECUTOR_NOT_CONFIGURED, EXECUTOR_UNAVAILABLE. Nothing was submitted.
   */
  capabilities(): Promise<ExecutorCapabilities>;
  /** Never rejects: what it cannot tell is "unknown". */
  submit(submission: Submission): Promise<SubmitOutcome>;
  /** One status per id that it can tell; undefined = no answer, ask again later. Only called with `lookup`. */
  lookUp(runId: string, clientOrderIds: readonly string[]): Promise<readonly OrderStatus[] | undefined>;
  close(): Promise<void>;
}
