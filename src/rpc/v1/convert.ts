import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ExecutionStatus } from "#gen/worldservice/v1/order_pb.ts";
import {
  type ApplyRebalanceResponseSchema,
  type PositionSchema,
  type RebalancePlanSchema,
  type RebalanceRequest,
  type RebalanceRequestSchema,
  type RebalanceRunSchema,
  type SymbolDeltaSchema,
  WarningCode,
  type WarningSchema,
  type WorldPlanSchema,
} from "#gen/worldservice/v1/rebalance_service_pb.ts";
import type {
  PlanWarning,
  PositionColumns,
  RebalanceInput,
  RebalancePlan,
  SymbolDelta,
  WorldPlan,
} from "../../domain/rebalance/types.ts";
import type { AppliedRun, RunRecord } from "../../domain/runs/types.ts";
import type { AppliedOutcome } from "../../orchestration/apply-rebalance/apply-rebalance.ts";
import type { RebalanceCall } from "../../orchestration/plan-rebalance/plan-rebalance.ts";
import type { RunAt } from "../../orchestration/read-runs/read-runs.ts";
import {
  fromMap,
  fromStrategyAllocations,
  optionalVenue,
  required,
  rowsOf,
  toMap,
  toStrategyAllocations,
} from "../convert.ts";
import { positionsOf } from "../wire/positions.ts";

/** The planner's view of a v1 request. Structural faults of the rows are refused here, with their path. */
export function fromRebalanceRequest(request: RebalanceRequest | undefined, path: string): RebalanceCall {
  const message = required(request, path);
  const { columns, source } = positionsOf(message, path);
  const input: RebalanceInput = {
    totalEquity: message.totalEquity,
    worldBefore: fromMap(message.worldAllocBefore),
    worldAfter: fromMap(message.worldAllocAfter),
    strategyBefore: fromStrategyAllocations(message.strategyAllocBeforeTotal),
    strategyAfter: fromStrategyAllocations(message.strategyAllocAfterTotal),
    positions: columns,
    minTradeNotional: message.minTradeNotional,
    lotBySymbol: fromMap(message.lotSizeBySymbol),
  };
  return {
    rules: "v1",
    requestedVersion: message.schemaVersion,
    input,
    mode: { kind: "scaling" },
    intent: undefined,
    constraints: [],
    alphaSeries: [],
    path,
    positionSource: source,
  };
}

type DeltaShape = MessageInitShape<typeof SymbolDeltaSchema>;

function toSymbolDelta(delta: SymbolDelta): DeltaShape {
  return { symbol: delta.symbol, deltaQty: delta.deltaQty, ...optionalVenue(delta.venue) };
}

/** One world's plan in v1 shape, as plans and events carry it. */
export function toWorldPlan(plan: WorldPlan): MessageInitShape<typeof WorldPlanSchema> {
  return {
    worldId: plan.worldId,
    scaleWorld: plan.scaleWorld,
    scaleByStrategy: toMap(plan.scaleByStrategy),
    deltas: plan.deltas.map(toSymbolDelta),
  };
}

function toWarning(warning: PlanWarning): MessageInitShape<typeof WarningSchema> {
  return {
    code: WarningCode[warning.code],
    worldId: warning.worldId,
    strategyId: warning.strategyId,
    symbol: warning.symbol,
    message: warning.message,
    ...optionalVenue(warning.venue),
  };
}

/** A plan in v1 shape, whichever package it was planned by: overlays and explanations have no place here. */
export function toRebalancePlan(plan: RebalancePlan): MessageInitShape<typeof RebalancePlanSchema> {
  return {
    schemaVersion: 1,
    perWorld: Object.fromEntries(plan.perWorld.map((world) => [world.worldId, toWorldPlan(world)])),
    globalDeltas: plan.globalDeltas.map(toSymbolDelta),
    warnings: plan.warnings.map(toWarning),
  };
}

export function toPositions(columns: PositionColumns): MessageInitShape<typeof PositionSchema>[] {
  return [...rowsOf(columns)];
}

/** A stored request in v1 shape, whichever package sent it. */
function toRebalanceRequest({
  input,
  requestedVersion,
}: RunRecord): MessageInitShape<typeof RebalanceRequestSchema> {
  return {
    schemaVersion: requestedVersion,
    totalEquity: input.totalEquity,
    worldAllocBefore: toMap(input.worldBefore),
    worldAllocAfter: toMap(input.worldAfter),
    positions: toPositions(input.positions),
    strategyAllocBeforeTotal: toStrategyAllocations(input.strategyBefore),
    strategyAllocAfterTotal: toStrategyAllocations(input.strategyAfter),
    minTradeNotional: input.minTradeNotional,
    lotSizeBySymbol: toMap(input.lotBySymbol),
  };
}

export function toApplyResponse({
  run,
  replayed,
}: AppliedOutcome): MessageInitShape<typeof ApplyRebalanceResponseSchema> {
  return { runId: run.runId, etag: run.etag, plan: toRebalancePlan(run.plan), replayed };
}

export function toRebalanceRun({
  run,
  revision,
}: RunAt<AppliedRun>): MessageInitShape<typeof RebalanceRunSchema> {
  return {
    runId: run.runId,
    etag: run.etag,
    schemaVersion: run.negotiated.schemaVersion,
    revision: BigInt(revision),
    createdAt: timestampFromMs(run.createdAtMs),
    request: toRebalanceRequest(run),
    plan: toRebalancePlan(run.plan),
    executionStatus: ExecutionStatus[run.executionStatus],
  };
}
