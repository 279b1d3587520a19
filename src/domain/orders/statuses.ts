import type { FillFacts, LegState } from "../events/types.ts";
import { type ExecutionLeg, isFinal, isTooMuch, isWhole, quantityOf } from "./execution.ts";

/** What an executor says of an order. */
export interface ReportedStatus {
  readonly clientOrderId: string;
  readonly state:
    | "ACCEPTED"
    | "PARTIALLY_FILLED"
    | "FILLED"
    | "REJECTED"
    | "CANCELLED"
    | "NOT_FOUND"
    | undefined;
  readonly fills: readonly FillFacts[];
  readonly message: string;
}

const LEG_STATE = {
  ACCEPTED: "SUBMITTED",
  PARTIALLY_FILLED: "PARTIALLY_FILLED",
  FILLED: "FILLED",
  REJECTED: "REJECTED",
  CANCELLED: "CANCELLED",
} as const satisfies Record<string, LegState>;

const MAX_MESSAGE = 1024;

/** Statuses by order. Two that speak of the same order say nothing; foreign ones are never asked for. */
export function readStatuses(statuses: readonly ReportedStatus[]): ReadonlyMap<string, ReportedStatus> {
  const known = new Map<string, ReportedStatus>();
  const repeated = new Set<string>();
  for (const status of statuses) {
    if (known.has(status.clientOrderId)) repeated.add(status.clientOrderId);
    known.set(status.clientOrderId, status);
  }
  for (const id of repeated) known.delete(id);
  return known;
}

/**
 * The leg after a status. What cannot be true (more filled than ordered, filled whole and less than that, prices that
 * are no numbers) says nothing; a late answer never takes back what was known before.
 *
 * @returns the same leg where the status says nothing new.
 */
export function withStatus(leg: ExecutionLeg, status: ReportedStatus | undefined): ExecutionLeg {
  if (status === undefined || isFinal(leg.state) || !isBelievable(status, leg.order.quantity)) return leg;
  if (status.state === undefined || status.state === "NOT_FOUND") return leg;
  const state = LEG_STATE[status.state];
  const isKnownWhole = state === "FILLED" && status.fills.length === 0;
  const filledQuantity = isKnownWhole ? leg.order.quantity : quantityOf(status.fills);
  if (!isFinal(state) && isOlder(leg, state, filledQuantity)) return leg;
  return {
    ...leg,
    state,
    fills: status.fills,
    filledQuantity,
    message: status.message.slice(0, MAX_MESSAGE),
  };
}

/** True when the executor said, in words that can be true, that it has no such order. */
export function isAbsent(status: ReportedStatus | undefined): boolean {
  return status?.state === "NOT_FOUND" && status.fills.length === 0;
}

function isBelievable({ state, fills }: ReportedStatus, quantity: number): boolean {
  const areFills = fills.every(
    (fill) =>
      Number.isFinite(fill.quantity) && fill.quantity > 0 && Number.isFinite(fill.price) && fill.price >= 0,
  );
  const filled = quantityOf(fills);
  if (!areFills || isTooMuch(filled, quantity)) return false;
  if (state === "FILLED") return fills.length === 0 || isWhole(filled, quantity);
  return state !== "REJECTED" || fills.length === 0;
}

/** What works can only fill further. The same again is nothing new. */
function isOlder(leg: ExecutionLeg, state: LegState, filledQuantity: number): boolean {
  if (leg.state === "PARTIALLY_FILLED" && state === "SUBMITTED") return true;
  return leg.state === state && filledQuantity <= leg.filledQuantity;
}
