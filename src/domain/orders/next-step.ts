import { type Execution, isUnresolved, isWorking } from "./execution.ts";

/** What an executor can do, as far as it decides the next step. */
export interface Abilities {
  readonly idempotentSubmit: boolean;
  readonly lookup: boolean;
}

/**
 * What is to be done with an execution that nobody drives.
 *
 * - `send`: submit what was not taken for sure, or what an executor that recognises repeats may be sent again.
 * - `look`: ask what became of the orders.
 * - `doubt`: nobody can tell; an operator decides.
 * - `rest`: nothing, or nothing that can be done from here.
 */
export type NextStep = "send" | "look" | "doubt" | "rest";

/**
 * The rules of at-most-once: an order whose fate is unknown is looked up where that is possible, sent again only to
 * executors that recognise repeats, and otherwise left to an operator.
 */
export function nextStep({ header, legs }: Execution, abilities: Abilities): NextStep {
  if (legs.some(({ state }) => state === "PLANNED")) return "send";
  const unresolved = legs.filter(({ state }) => isUnresolved(state));
  if (unresolved.length > 0 && header.unsent) return "send";
  if (unresolved.length === 0 && !legs.some(({ state }) => isWorking(state))) return "rest";
  if (abilities.lookup) return "look";
  if (abilities.idempotentSubmit) return "send";
  return unresolved.some(({ state }) => state === "INTENT") ? "doubt" : "rest";
}
