import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  AllocationStage,
  type GetAllocationRunResponseSchema,
  type UpsertAllocationsRequest,
  type UpsertAllocationsRequestSchema,
  type UpsertAllocationsResponseSchema,
  type WorldAllocationSnapshotSchema,
} from "#gen/worldservice/v1/allocation_service_pb.ts";
import { ExecutionStatus } from "#gen/worldservice/v1/order_pb.ts";
import type { AllocationRun } from "../../domain/runs/types.ts";
import type { Allocation } from "../../domain/state/world-state.ts";
import type { RunAt } from "../../orchestration/read-runs/read-runs.ts";
import type { AllocationCall } from "../../orchestration/upsert-allocations/types.ts";
import type { AllocationOutcome } from "../../orchestration/upsert-allocations/upsert-allocations.ts";
import {
  ALLOCATION_TTL,
  fromMap,
  fromStrategyAllocations,
  isStale,
  toMap,
  toStrategyAllocations,
} from "../convert.ts";
import { positionsOf } from "../wire/positions.ts";
import { toPositions, toRebalancePlan } from "./convert.ts";

/** The orchestrator's view of a v1 request. */
export function fromUpsertRequest(request: UpsertAllocationsRequest): AllocationCall {
  const { columns, source } = positionsOf(request);
  return {
    rules: "v1",
    requestedVersion: request.schemaVersion,
    runId: request.runId,
    totalEquity: request.totalEquity,
    worldAllocations: fromMap(request.worldAllocations),
    positions: columns,
    positionSource: source,
    strategyBefore: fromStrategyAllocations(request.strategyAllocBeforeTotal),
    strategyAfter: fromStrategyAllocations(request.strategyAllocAfterTotal),
    minTradeNotional: request.minTradeNotional,
    lotBySymbol: fromMap(request.lotSizeBySymbol),
    execute: request.execute,
    etagByWorld: fromMap(request.etagByWorld),
    mode: { kind: "scaling" },
    intent: undefined,
    constraints: [],
    alphaSeries: [],
  };
}

export function toUpsertResponse({
  run,
  replayed,
}: AllocationOutcome): MessageInitShape<typeof UpsertAllocationsResponseSchema> {
  return {
    runId: run.runId,
    etag: run.etag,
    etagByWorld: toMap(run.etagByWorld),
    plan: toRebalancePlan(run.plan),
    executed: run.executionStatus === "DONE",
    executionStatus: ExecutionStatus[run.executionStatus],
    replayed,
  };
}

/** One world's allocation, as answers, events and snapshots carry it. `stale` is filled in by answers only. */
export function toSnapshot(allocation: Allocation): MessageInitShape<typeof WorldAllocationSnapshotSchema> {
  const { worldId, runId, etag, strategyAllocTotal } = allocation;
  return {
    worldId,
    allocation: allocation.allocation,
    runId,
    etag,
    updatedAt: timestampFromMs(allocation.updatedAtMs),
    ttl: ALLOCATION_TTL,
    ...(strategyAllocTotal && { strategyAllocTotal: { ratios: toMap(strategyAllocTotal) } }),
  };
}

export function toAllocations(
  allocations: readonly Allocation[],
  nowMs: number,
): Record<string, MessageInitShape<typeof WorldAllocationSnapshotSchema>> {
  return Object.fromEntries(
    allocations.map((each) => [
      each.worldId,
      { ...toSnapshot(each), stale: isStale(each.updatedAtMs, nowMs) },
    ]),
  );
}

function toUpsertRequest(run: AllocationRun): MessageInitShape<typeof UpsertAllocationsRequestSchema> {
  const { input } = run;
  return {
    runId: run.runId,
    totalEquity: input.totalEquity,
    worldAllocations: toMap(input.worldAfter),
    positions: toPositions(input.positions),
    strategyAllocBeforeTotal: toStrategyAllocations(run.givenStrategyBefore),
    strategyAllocAfterTotal: toStrategyAllocations(input.strategyAfter),
    minTradeNotional: input.minTradeNotional,
    lotSizeBySymbol: toMap(input.lotBySymbol),
    execute: run.execute,
    schemaVersion: run.requestedVersion,
  };
}

export function toAllocationRun({
  run,
  revision,
}: RunAt<AllocationRun>): MessageInitShape<typeof GetAllocationRunResponseSchema> {
  return {
    runId: run.runId,
    request: toUpsertRequest(run),
    plan: toRebalancePlan(run.plan),
    executionStatus: ExecutionStatus[run.executionStatus],
    stage: AllocationStage[run.stage],
    createdAt: timestampFromMs(run.createdAtMs),
    etag: run.etag,
    schemaVersion: run.negotiated.schemaVersion,
    worldIds: [...run.worldIds],
    worldAllocBefore: toMap(run.input.worldBefore),
    etagByWorld: toMap(run.etagByWorld),
    revision: BigInt(revision),
  };
}
