/** The use case as the server composes it, without an edge. */
import { randomUUID } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { pino } from "pino";
import { UpsertAllocationsRequestSchema } from "#gen/worldservice/v2/allocation_service_pb.ts";
import { openRedisStore } from "../../../src/adapters/redis/index.ts";
import { openSqliteStore } from "../../../src/adapters/sqlite/index.ts";
import { createParts } from "../../../src/compose.ts";
import { upsertAllocations } from "../../../src/orchestration/upsert-allocations/upsert-allocations.ts";
import type { OpenedStore } from "../../../src/ports/opened-store.ts";
import { fromUpsertRequest } from "../../../src/rpc/v2/convert-allocations.ts";
import { readSettings } from "../../../src/settings/read-settings.ts";

const LOCK_TTL_MS = 5_000;

/** An upsert of one small world: two positions, two strategies. */
export function requestOf(worldId: string): MessageInitShape<typeof UpsertAllocationsRequestSchema> {
  return {
    runId: randomUUID(),
    totalEquity: 1_000_000,
    worldAllocations: { [worldId]: Math.random() / 100 },
    positions: [
      { worldId, strategyId: "trend", symbol: "BTCUSDT", venue: "binance", qty: 2, mark: 60_000 },
      { worldId, strategyId: "carry", symbol: "ETHUSDT", venue: "binance", qty: -10, mark: 3_000 },
    ],
  };
}

export interface Orchestrator {
  upsert(worldId: string): Promise<void>;
  close(): Promise<void>;
}

export async function openOrchestrator(store: string, book: string): Promise<Orchestrator> {
  const settings = readSettings({ argv: [`--store=${store}`], env: {} });
  const opened = await openStore(store, book);
  const { deps } = createParts(settings, opened, pino({ level: "silent" }), {});
  return {
    async upsert(worldId) {
      const call = fromUpsertRequest(create(UpsertAllocationsRequestSchema, requestOf(worldId)));
      const { replayed } = await upsertAllocations(deps, call, { timeoutMs: 10_000 });
      if (replayed) throw new Error("a fresh run was replayed");
    },
    close: () => opened.close(),
  };
}

function openStore(store: string, book: string): Promise<OpenedStore> {
  const lockTtlMs = LOCK_TTL_MS;
  if (store.startsWith("sqlite:"))
    return openSqliteStore({ path: store.slice("sqlite:".length), book, lockTtlMs });
  return openRedisStore({ url: store, book, lockTtlMs, durability: "fsync", allowDegraded: false });
}
