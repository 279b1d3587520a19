import type { LegState } from "../../../../src/domain/events/types.ts";
import {
  type Execution,
  type ExecutionHeader,
  type ExecutionLeg,
  planned,
  statusOf,
} from "../../../../src/domain/orders/execution.ts";

export const NOW = 1_000_000;

export function orderOf(i: number, quantity = 10) {
  return {
    clientOrderId: `o${i}`,
    worldId: "w",
    strategyId: "",
    symbol: `S${i}`,
    venue: undefined,
    side: "BUY",
    quantity,
    timeInForce: "GTC",
    reduceOnly: false,
    hedgeMode: undefined,
  } as const;
}

/** An execution whose legs are in these states. */
export function executionOf(states: readonly LegState[], facts: Partial<ExecutionHeader> = {}): Execution {
  const header = {
    runId: "r",
    executor: "grpc",
    fingerprint: "f",
    schemaVersion: 1,
    rpc: "worldservice.v1.RebalanceService/ExecuteRebalance",
    allowLive: false,
    worldIds: ["w"],
  } as const;
  const { header: fresh, legs } = planned(
    header,
    states.map((_, i) => ({ order: orderOf(i), price: 5 })),
    NOW,
  );
  const set = legs.map((leg, i): ExecutionLeg => ({ ...leg, state: states[i] ?? "PLANNED" }));
  return { header: { ...fresh, status: statusOf(set), ...facts }, legs: set };
}

export function statesOf({ legs }: Execution): LegState[] {
  return legs.map(({ state }) => state);
}
