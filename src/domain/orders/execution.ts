import type { ExecutionStatus, FillFacts, LegFacts, LegState, OrderFacts } from "../events/types.ts";

/** One order of an execution, and what the plan valued a unit of it at (base currency, 0 = unknown). */
export interface ExecutionLeg extends LegFacts {
  readonly price: number;
}

/** An execution without its legs, as lists show it. */
export interface ExecutionHeader {
  readonly runId: string;
  readonly status: ExecutionStatus;
  /** Which executor the orders go to. */
  readonly executor: string;
  /** Tells equal requests for this execution. */
  readonly fingerprint: string;
  readonly schemaVersion: 1 | 2;
  /** Full name of the call that asked for it, for the audit log. */
  readonly rpc: string;
  /** Real orders were meant by the caller, or by the worlds themselves. */
  readonly allowLive: boolean;
  /** Worlds that trade in it, sorted. */
  readonly worldIds: readonly string[];
  readonly legCount: number;
  readonly inDoubtCount: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** Commits so far: 1, 2, 3 … */
  readonly step: number;
  /** When orders were last sent. */
  readonly sentAtMs: number;
  /** It is certain that no order has been taken so far. */
  readonly unsent: boolean;
}

export interface Execution {
  readonly header: ExecutionHeader;
  /** In the order of submission. */
  readonly legs: readonly ExecutionLeg[];
}

/** What is known of an execution before its first step. */
export type ExecutionFacts = Pick<
  ExecutionHeader,
  "runId" | "executor" | "fingerprint" | "schemaVersion" | "rpc" | "allowLive" | "worldIds"
>;

/** Shaped, nothing has left; without any order there is nothing left to do. */
export function planned(
  facts: ExecutionFacts,
  orders: readonly { readonly order: OrderFacts; readonly price: number }[],
  nowMs: number,
): Execution {
  const legs = orders.map(
    ({ order, price }): ExecutionLeg => ({
      order,
      price,
      state: "PLANNED",
      fills: [],
      filledQuantity: 0,
      message: "",
      attempts: 0,
      updatedAtMs: nowMs,
    }),
  );
  const header: ExecutionHeader = {
    ...facts,
    status: statusOf(legs),
    legCount: legs.length,
    inDoubtCount: 0,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    step: 1,
    sentAtMs: 0,
    unsent: true,
  };
  return { header, legs };
}

/** How far the whole has come. */
export function statusOf(legs: readonly ExecutionLeg[]): ExecutionStatus {
  const states = new Set(legs.map(({ state }) => state));
  if (states.has("PLANNED")) return "PLANNED";
  if (states.has("INTENT")) return "INTENT";
  if (states.has("IN_DOUBT")) return "IN_DOUBT";
  if (states.has("SUBMITTED") || states.has("PARTIALLY_FILLED")) return "SUBMITTED";
  return states.has("REJECTED") || states.has("CANCELLED") ? "FAILED" : "DONE";
}

/** Nobody will say anything about it any more. */
export function isFinal(state: LegState): boolean {
  return state === "FILLED" || state === "REJECTED" || state === "CANCELLED";
}

/** It may or may not have been taken. */
export function isUnresolved(state: LegState): boolean {
  return state === "INTENT" || state === "IN_DOUBT";
}

/** It was taken and still works. */
export function isWorking(state: LegState): boolean {
  return state === "SUBMITTED" || state === "PARTIALLY_FILLED";
}

/** True while orders may be at the executor without our knowing what became of them, or before they are sent. */
export function isSendable(state: LegState): boolean {
  return state === "PLANNED" || isUnresolved(state);
}

/** The next state of an execution: every leg that `change` gives another value for, and the sums over all of them. */
export function advanced(
  { header, legs }: Execution,
  nowMs: number,
  change: (leg: ExecutionLeg) => ExecutionLeg,
  facts: Partial<Pick<ExecutionHeader, "sentAtMs" | "unsent">> = {},
): Execution {
  const next = legs.map((leg) => {
    const after = change(leg);
    return after === leg ? leg : { ...after, updatedAtMs: nowMs };
  });
  return {
    header: {
      ...header,
      ...facts,
      status: statusOf(next),
      inDoubtCount: next.filter(({ state }) => state === "IN_DOUBT").length,
      updatedAtMs: nowMs,
      step: header.step + 1,
    },
    legs: next,
  };
}

/**
 * The orders of these legs are about to be sent: recorded before the first byte leaves. A leg in doubt stays in doubt:
 * sending it again does not undo that it may have been taken.
 */
export function intended(
  execution: Execution,
  isSent: (leg: ExecutionLeg) => boolean,
  nowMs: number,
): Execution {
  const send = (leg: ExecutionLeg): ExecutionLeg => ({
    ...leg,
    state: leg.state === "PLANNED" ? "INTENT" : leg.state,
    attempts: leg.attempts + 1,
  });
  const facts = { sentAtMs: nowMs, unsent: false };
  return advanced(execution, nowMs, (leg) => (isSent(leg) ? send(leg) : leg), facts);
}

/** What is unresolved stays so until somebody can tell: nothing is sent again by itself. */
export function doubted(execution: Execution, message: string, nowMs: number): Execution {
  return advanced(execution, nowMs, (leg) =>
    leg.state === "INTENT" ? { ...leg, state: "IN_DOUBT", message } : leg,
  );
}

/** Nothing of it was taken and nothing will be: final. */
export function ended(
  execution: Execution,
  state: "REJECTED" | "CANCELLED",
  message: string,
  nowMs: number,
): Execution {
  return advanced(execution, nowMs, (leg) => (isSendable(leg.state) ? { ...leg, state, message } : leg));
}

/** Nothing was taken in this attempt; where none before was either, all may be sent again as if it were the first. */
export function notTaken(execution: Execution, wasUnsent: boolean, nowMs: number): Execution {
  return advanced(execution, nowMs, (leg) => leg, { unsent: wasUnsent });
}

/** What an operator found out about a leg in doubt. */
export interface Resolution {
  readonly clientOrderId: string;
  readonly isExecuted: boolean;
  /** With `isExecuted` only; none = filled whole, at a price that is not known. */
  readonly fills: readonly FillFacts[];
  readonly reason: string;
}

/** The state that a resolution leads to. */
export function resolvedLeg(leg: ExecutionLeg, { isExecuted, fills, reason }: Resolution): ExecutionLeg {
  if (!isExecuted) return { ...leg, state: "CANCELLED", fills: [], filledQuantity: 0, message: reason };
  const filledQuantity = fills.length === 0 ? leg.order.quantity : quantityOf(fills);
  const state = isWhole(filledQuantity, leg.order.quantity) ? "FILLED" : "CANCELLED";
  return { ...leg, state, fills, filledQuantity, message: reason };
}

/** Units executed. */
export function quantityOf(fills: readonly FillFacts[]): number {
  return fills.reduce((sum, { quantity }) => sum + quantity, 0);
}

const TOLERANCE = 1e-9;

/** Whether an order is filled, but for the float noise of adding its fills. */
export function isWhole(filled: number, quantity: number): boolean {
  return Math.abs(filled - quantity) <= TOLERANCE * quantity;
}

/** Whether more is said to be filled than was ordered. */
export function isTooMuch(filled: number, quantity: number): boolean {
  return filled > quantity * (1 + TOLERANCE);
}
