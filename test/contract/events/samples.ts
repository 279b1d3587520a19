import type { DomainEvent, EventPayloads, EventType } from "../../../src/domain/events/types.ts";
import type { ActivationEntry, Allocation } from "../../../src/domain/state/world-state.ts";

const TIME_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const STATE_HASH = `sha256:${"ab".repeat(32)}`;

const allocation: Allocation = {
  worldId: "세계-1",
  allocation: 0.25,
  runId: "run-1",
  etag: "etag-2",
  strategyAllocTotal: new Map([
    ["10", 0.1],
    ["2", 0.15],
  ]),
  updatedAtMs: TIME_MS,
};

const entry: ActivationEntry = {
  worldId: "세계-1",
  strategyId: "trend",
  side: "SHORT",
  active: true,
  weight: 0.5,
  freeze: false,
  drain: true,
  effectiveMode: "PAPER",
  etag: "act-3",
  runId: "run-1",
  updatedAtMs: TIME_MS,
};

const figures = new Map([
  ["alpha_performance.sharpe", 1.25],
  ["alpha_performance.max_drawdown", -0.1],
  ["alpha_performance.win_ratio", 0.55],
  ["alpha_performance.profit_factor", 1.5],
  ["alpha_performance.car_mdd", 2],
  ["alpha_performance.rar_mdd", 0],
]);

const alphaMetrics = {
  perWorld: new Map([["세계-1", figures]]),
  perStrategy: new Map([["trend", new Map([["세계-1", figures]])]]),
  missing: [
    {
      worldId: "세계-1",
      strategyId: "",
      reason: "NOT_COMPUTABLE" as const,
      metrics: ["alpha_performance.rar_mdd"],
    },
  ],
};

const planned: EventPayloads["REBALANCING_PLANNED"] = {
  runId: "run-1",
  plan: {
    worldId: "세계-1",
    scaleWorld: 0.5,
    scaleByStrategy: new Map([
      ["10", 0.5],
      ["2", 0.25],
    ]),
    deltas: [
      { symbol: "BTC", venue: "binance", deltaQty: -0.3, mark: 100, notional: -30, residualQty: -0.05 },
      { symbol: "ETH", venue: undefined, deltaQty: 2, mark: 10, notional: 20, residualQty: 0 },
      { symbol: "ETH", venue: "", deltaQty: 1, mark: 10, notional: 10, residualQty: 0 },
    ],
  },
  overlayDeltas: [{ worldId: "세계-1", symbol: "ES", deltaQty: -2, price: 5000 }],
  alphaMetrics,
  intent: { reason: "drift", nested: { level: 1, list: [true, null] } },
};

/** Every case of an event that readers tell apart, by file name: at least one for each type. */
export const SAMPLES: Readonly<Record<string, DomainEvent>> = {
  "rebalancing-planned.filled": event("REBALANCING_PLANNED", planned, 2),
  "rebalancing-planned.no-intent": event("REBALANCING_PLANNED", { ...planned, intent: undefined }, 2),
  "rebalancing-planned.version-1": event("REBALANCING_PLANNED", {
    ...planned,
    overlayDeltas: [],
    alphaMetrics: undefined,
    intent: undefined,
  }),
  "allocation-updated": event("ALLOCATION_UPDATED", {
    allocation,
    previousAllocation: 0.5,
    stateHash: STATE_HASH,
  }),
  "allocation-updated.no-strategies": event("ALLOCATION_UPDATED", {
    allocation: { ...allocation, strategyAllocTotal: undefined },
    previousAllocation: 0,
    stateHash: STATE_HASH,
  }),
  "activation-updated": event("ACTIVATION_UPDATED", {
    entry,
    runId: "run-1",
    phase: "FREEZE",
    requiresAck: true,
    sequence: 7,
    version: 9,
    stateHash: STATE_HASH,
  }),
  "decisions-updated": event("DECISIONS_UPDATED", { strategies: ["trend", "carry"], stateHash: STATE_HASH }),
  "bindings-updated": event("BINDINGS_UPDATED", { strategies: ["carry", "trend"] }),
  "policy-updated": event("POLICY_UPDATED", {
    version: 3,
    body: { top_k: { metric: "sharpe", k: 5 } },
    checksum: STATE_HASH,
    createdAtMs: TIME_MS,
    defaultVersion: 3,
    active: ["trend"],
  }),
  "execution-state-changed": event(
    "EXECUTION_STATE_CHANGED",
    {
      runId: "run-1",
      status: "IN_DOUBT",
      legs: [
        {
          order: {
            clientOrderId: "order-1",
            worldId: "세계-1",
            strategyId: "trend",
            symbol: "BTC",
            venue: "binance",
            side: "SELL",
            quantity: 0.3,
            timeInForce: "IOC",
            reduceOnly: true,
            hedgeMode: "oneway",
          },
          state: "IN_DOUBT",
          fills: [{ quantity: 0.1, price: 100.5, filledAtMs: TIME_MS }],
          filledQuantity: 0.1,
          message: "no answer in time",
          attempts: 1,
          updatedAtMs: TIME_MS,
        },
      ],
    },
    2,
  ),
  "apply-stage-changed": event("APPLY_STAGE_CHANGED", {
    runId: "run-1",
    stage: "ROLLED_BACK",
    active: ["trend"],
    reason: "the roster did not answer",
    stateHash: STATE_HASH,
  }),
  "world-updated": event("WORLD_UPDATED", {
    world: {
      worldId: "세계-1",
      name: "One",
      description: "the first",
      owner: "desk",
      labels: ["a", "b"],
      state: "SUSPENDED",
      allowLive: true,
      circuitBreaker: true,
      executionDomain: "DRYRUN",
      ackRoster: ["gateway-1"],
      defaultPolicyVersion: 2,
      createdAtMs: TIME_MS,
      updatedAtMs: TIME_MS,
      etag: "world-2",
    },
  }),
  "alpha-metrics-recorded": event("ALPHA_METRICS_RECORDED", { alphaMetrics }),
  "ack-timeout": event("ACK_TIMEOUT", { runId: "run-1", sequence: 7, missing: ["gateway-1"] }),
};

function event<T extends EventType>(
  type: T,
  payload: EventPayloads[T],
  schemaVersion: 1 | 2 = 1,
): Extract<DomainEvent, { type: T }> {
  return {
    type,
    worldId: "세계-1",
    timeMs: TIME_MS,
    correlationId: "run:run-1",
    idempotencyKey: `${type.toLowerCase()}:세계-1:run-1`,
    schemaVersion,
    payload,
  } as Extract<DomainEvent, { type: T }>;
}
