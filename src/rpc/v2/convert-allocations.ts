import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  AllocationStage,
  type GetAllocationRunResponseSchema,
  type UpsertAllocationsRequest,
  type UpsertAllocationsRequestSchema,
  type UpsertAllocationsResponseSchema,
  type WorldAllocationSnapshotSchema,
} from "#gen/worldservice/v2/allocation_service_pb.ts";
import { ExecutionStatus } from "#gen/worldservice/v2/order_pb.ts";
import type { AllocationRun } from "../../domain/runs/types.ts";
import type { Allocation } from "../../domain/state/world-state.ts";
import type { RunAt } from "../../orchestration/read-runs/read-runs.ts";
import type { AllocationCall } from "../../orchestration/upsert-allocations/types.ts";
import type { AllocationOutcome } from "../../orchestration/upsert-allocations/upsert-allocations.ts";
import { fromAlphaSeries, toAlphaSeries } from "../alpha/series.ts";
import {
  ALLOCATION_TTL,
  fromMap,
  fromStrategyAllocations,
  isStale,
  toMap,
  toStrategyAllocations,
} from "../convert.ts";
import { positionsOf } from "../wire/positions.ts";
import {
  fromConstraint,
  fromMode,
  toConstraint,
  toMode,
  toPositionFields,
  toRebalancePlan,
} from "./convert.ts";

/** The orchestrator's view of a v2 request. */
export function fromUpsertRequest(request: UpsertAllocationsRequest): AllocationCall {
  const { columns, source } = positionsOf(request);
  return {
    rules: "v2",
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
    mode: fromMode(request.mode),
    intent: request.rebalanceIntent?.meta,
    constraints: request.constraints.map(fromConstraint),
    alphaSeries: request.alphaSeries.map(fromAlphaSeries),
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
    plan: toRebalancePlan(run),
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
    ...toPositionFields(input.positions, run.positionSource),
    strategyAllocBeforeTotal: toStrategyAllocations(run.givenStrategyBefore),
    strategyAllocAfterTotal: toStrategyAllocations(input.strategyAfter),
    minTradeNotional: input.minTradeNotional,
    lotSizeBySymbol: toMap(input.lotBySymbol),
    execute: run.execute,
    schemaVersion: run.requestedVersion,
    mode: toMode(run.mode),
    constraints: run.constraints.map(toConstraint),
    alphaSeries: run.alphaSeries.map(toAlphaSeries),
    ...(run.intent && { rebalanceIntent: { meta: run.intent } }),
  };
}

export function toAllocationRun({
  run,
  revision,
}: RunAt<AllocationRun>): MessageInitShape<typeof GetAllocationRunResponseSchema> {
  return {
    runId: run.runId,
    request: toUpsertRequest(run),
    plan: toRebalancePlan(run),
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
