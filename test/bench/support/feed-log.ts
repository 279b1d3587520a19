import { toStored } from "../../../src/domain/stored-json.ts";
import type { EventLog, LogEntry } from "../../../src/ports/event-log.ts";

/** A log that costs nothing: what is measured is the way from the log to the wires. */
export interface LoadLog extends EventLog {
  append(count: number): void;
}

const BODY = toStored({
  type: "REBALANCING_PLANNED",
  worldId: "world-1",
  timeMs: 1_767_323_045_000,
  correlationId: "run:run-2026-01-02-000001",
  idempotencyKey: "rebalancing_planned:world-1:run-2026-01-02-000001",
  schemaVersion: 2,
  payload: {
    runId: "run-2026-01-02-000001",
    plan: {
      worldId: "world-1",
      scaleWorld: 0.75,
      scaleByStrategy: new Map([["trend", 0.75]]),
      deltas: [
        {
          symbol: "BTCUSDT",
          venue: "binance",
          deltaQty: -0.25,
          mark: 40_000,
          notional: -10_000,
          residualQty: 0,
        },
        {
          symbol: "ETHUSDT",
          venue: "binance",
          deltaQty: -2.5,
          mark: 2_000,
          notional: -5_000,
          residualQty: 0,
        },
      ],
    },
    overlayDeltas: [],
    alphaMetrics: undefined,
    intent: undefined,
  },
});

/** 40 hex digits that depend on the revision alone; 0 is the beginning. */
function hashOf(revision: number): string {
  return revision === 0 ? "" : revision.toString(16).padStart(40, "0");
}

export function createLoadLog(storeId: string): LoadLog {
  let head = 0;
  const sleepers = new Set<() => void>();
  const entryAt = (revision: number): LogEntry => ({
    revision,
    hash: hashOf(revision),
    previousHash: hashOf(revision - 1),
    events: [{ worldId: "world-1", worldSequence: revision, body: BODY }],
  });
  const window = () => ({
    storeId,
    head: { revision: head, hash: hashOf(head) },
    floor: { revision: 0, hash: "" },
  });
  return {
    append(count) {
      head += count;
      for (const wake of sleepers) wake();
    },
    window: async () => window(),
    async readAfter(revision, limit) {
      const count = Math.max(0, Math.min(limit, head - revision));
      return Array.from({ length: count }, (_, at) => entryAt(revision + 1 + at));
    },
    hashAt: async (revision) => (revision <= head ? hashOf(revision) : undefined),
    waitAfter: (revision, signal) =>
      new Promise((resolve) => {
        const wake = () => {
          sleepers.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        sleepers.add(wake);
        signal.addEventListener("abort", wake, { once: true });
        if (head > revision || signal.aborted) wake();
      }),
    trimTo: async () => window(),
  };
}
