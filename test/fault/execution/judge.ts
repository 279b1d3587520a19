import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Execution } from "#gen/worldservice/v1/execution_service_pb.ts";
import { LegState } from "#gen/worldservice/v1/execution_service_pb.ts";
import { ExecutionStatus } from "#gen/worldservice/v1/order_pb.ts";
import type { AbilityClass } from "./faults.ts";

/** What the executor itself has on disk. */
export interface ExecutorLog {
  /** Order → how often it was taken. */
  readonly taken: ReadonlyMap<string, number>;
  /** Run → how often its orders were sent. */
  readonly calls: ReadonlyMap<string, number>;
}

export interface Verdict {
  readonly orders: number;
  /** Orders that the executor took more than once. */
  readonly doubled: number;
  /** Orders that the service calls filled and the executor never took. */
  readonly missing: number;
  /** Orders that the executor took and no execution has an intent for. */
  readonly unintended: number;
  /** Orders that stand as not executed although the executor took them. */
  readonly denied: number;
  /** Runs that were sent more than once to an executor that cannot recognise repeats. */
  readonly resent: number;
  readonly inDoubt: number;
  /** Orders in doubt although the executor took them and can tell. */
  readonly untold: number;
  /** Runs whose state is neither final nor in doubt. */
  readonly unsettled: number;
}

export function readExecutorLog(folder: string): ExecutorLog {
  return {
    taken: tally(lines<{ id: string }>(join(folder, "orders.jsonl")).map(({ id }) => id)),
    calls: tally(lines<{ runId: string }>(join(folder, "calls.jsonl")).map(({ runId }) => runId)),
  };
}

function lines<T>(path: string): T[] {
  if (!existsSync(path)) return [];
  const whole = readFileSync(path, "utf8").split("\n").slice(0, -1); // a line without its end was never answered for
  return whole.map((line) => JSON.parse(line) as T);
}

function tally(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function untold(executions: readonly Execution[], taken: ExecutorLog["taken"]) {
  return executions
    .flatMap(({ legs }) => legs)
    .filter(({ state, clientOrderId }) => state === LegState.IN_DOUBT && taken.has(clientOrderId));
}

/** Whether nothing more will come of these executions without an operator. */
export function areAtRest(
  abilities: AbilityClass,
  executions: readonly Execution[],
  { taken }: ExecutorLog,
): boolean {
  const ends: number[] = [ExecutionStatus.DONE, ExecutionStatus.FAILED];
  if (abilities !== "idempotent") ends.push(ExecutionStatus.IN_DOUBT);
  const areEnded = executions.every(({ status }) => ends.includes(status));
  return areEnded && (abilities === "neither" || untold(executions, taken).length === 0);
}

export function verdictOf(
  abilities: AbilityClass,
  executions: readonly Execution[],
  { taken, calls }: ExecutorLog,
): Verdict {
  const legs = executions.flatMap((execution) => execution.legs);
  const known = new Set(legs.filter(({ attempts }) => attempts > 0).map((leg) => leg.clientOrderId));
  const isTaken = (id: string) => taken.has(id);
  const settled = [ExecutionStatus.DONE, ExecutionStatus.FAILED, ExecutionStatus.IN_DOUBT];
  return {
    orders: legs.length,
    doubled: [...taken.values()].filter((count) => count > 1).length,
    missing: legs.filter((leg) => leg.state === LegState.FILLED && !isTaken(leg.clientOrderId)).length,
    unintended: [...taken.keys()].filter((id) => !known.has(id)).length,
    denied: legs.filter(
      ({ state, clientOrderId }) =>
        (state === LegState.REJECTED || state === LegState.CANCELLED) && isTaken(clientOrderId),
    ).length,
    resent:
      abilities === "idempotent" || abilities === "liar"
        ? 0
        : [...calls.values()].filter((count) => count > 1).length,
    untold: abilities === "neither" ? 0 : untold(executions, taken).length,
    inDoubt: legs.filter(({ state }) => state === LegState.IN_DOUBT).length,
    unsettled: executions.filter(({ status }) => !settled.some((each) => each === status)).length,
  };
}
