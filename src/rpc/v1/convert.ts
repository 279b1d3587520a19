import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type RebalancePlanSchema,
  type RebalanceRequest,
  type SymbolDeltaSchema,
  WarningCode,
  type WarningSchema,
  type WorldPlanSchema,
} from "#gen/worldservice/v1/rebalance_service_pb.ts";
import type {
  PlanWarning,
  RebalanceInput,
  RebalancePlan,
  SymbolDelta,
  WorldPlan,
} from "../../domain/rebalance/types.ts";
import type { RebalanceCall } from "../../orchestration/plan-rebalance/plan-rebalance.ts";
import { fromMap, fromStrategyAllocations, optionalVenue, required, toMap } from "../convert.ts";
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
