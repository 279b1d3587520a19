/** What can go wrong with one run; the name travels in the run id, so that every process knows its part. */
export const FAULTS = [
  /** The service dies with the intent on disk and nothing sent. */
  "kill-before",
  /** The service dies while the executor has the call and has taken nothing yet; then it takes the orders. */
  "kill-during",
  /** The service dies when the executor has taken the orders and has not answered. */
  "kill-taken",
  /** The service dies with the answer in hand and nothing recorded. */
  "kill-after",
  /** The executor dies before it takes anything. */
  "executor-dies-before",
  /** The executor dies when it has taken the orders. */
  "executor-dies-after",
  /** The executor takes the orders long after the deadline. */
  "late",
  /** The executor takes the orders at once and never answers. */
  "silent",
  /** The executor takes the orders and answers for others. */
  "nonsense",
] as const;
export type FaultKind = (typeof FAULTS)[number];

/** What the executor can do: with neither, an order whose fate is unknown stays in doubt. */
export const ABILITY_CLASSES = ["idempotent", "lookup", "neither"] as const;
/** `liar` says that it recognises repeats and takes them all: the suite must notice. */
export type AbilityClass = (typeof ABILITY_CLASSES)[number] | "liar";

export function runIdOf(fault: FaultKind | "clean", serial: number): string {
  return `${fault}.${serial}`;
}

export function faultOf(runId: string): string {
  return runId.split(".")[0] ?? "";
}

/** Whether a fault of this kind ends a process. */
export function isKill(fault: FaultKind): boolean {
  return fault.startsWith("kill-") || fault.startsWith("executor-dies");
}
