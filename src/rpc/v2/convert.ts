import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type HybridMode,
  type OverlayMode,
  type RebalancePlanSchema,
  type RebalanceRequest,
  type SkippedDeltaSchema,
  SkipReason,
  type SymbolDeltaSchema,
  WarningCode,
  type WarningSchema,
  type WorldPlanSchema,
} from "#gen/worldservice/v2/rebalance_service_pb.ts";
import type { JsonObject } from "../../domain/json.ts";
import type { Negotiated } from "../../domain/rebalance/negotiation.ts";
import type {
  OverlayConfig,
  PlanWarning,
  RebalanceInput,
  RebalanceMode,
  RebalancePlan,
  SkippedDelta,
  SymbolDelta,
  WorldPlan,
} from "../../domain/rebalance/types.ts";
import type { RebalanceCall } from "../../orchestration/plan-rebalance/plan-rebalance.ts";
import { fromMap, fromStrategyAllocations, optionalVenue, required, toMap } from "../convert.ts";
import { positionsOf } from "../wire/positions.ts";

function fromOverlay(overlay: OverlayMode | undefined): OverlayConfig | undefined {
  if (overlay === undefined) return undefined;
  return {
    instrumentByWorld: fromMap(overlay.instrumentByWorld),
    priceBySymbol: fromMap(overlay.priceBySymbol),
    minOrderNotional: overlay.minOrderNotional,
  };
}

function fromHybrid(hybrid: HybridMode): RebalanceMode {
  return {
    kind: "hybrid",
    overlay: fromOverlay(hybrid.overlay),
    scalingFraction: hybrid.scalingFraction ?? 1,
  };
}

/** The `oneof mode` of a request; none = scaling. */
export function fromMode(mode: RebalanceRequest["mode"]): RebalanceMode {
  switch (mode.case) {
    case "overlay":
      return { kind: "overlay", overlay: fromOverlay(mode.value) };
    case "hybrid":
      return fromHybrid(mode.value);
    default:
      return { kind: "scaling" };
  }
}

/** The planner's view of a v2 request. Structural faults of rows and table are refused here, with their path. */
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
    rules: "v2",
    requestedVersion: message.schemaVersion,
    input,
    mode: fromMode(message.mode),
    intent: message.rebalanceIntent?.meta,
    path,
    positionSource: source,
  };
}

function toSymbolDelta(delta: SymbolDelta): MessageInitShape<typeof SymbolDeltaSchema> {
  const { symbol, deltaQty, mark, notional, residualQty } = delta;
  return { symbol, deltaQty, mark, notional, residualQty, ...optionalVenue(delta.venue) };
}

/** One world's plan in v2 shape, as plans and events carry it. */
export function toWorldPlan(plan: WorldPlan): MessageInitShape<typeof WorldPlanSchema> {
  return {
    worldId: plan.worldId,
    scaleWorld: plan.scaleWorld,
    scaleByStrategy: toMap(plan.scaleByStrategy),
    deltas: plan.deltas.map(toSymbolDelta),
  };
}

function toWarning(warning: PlanWarning): MessageInitShape<typeof WarningSchema> {
  const { worldId, strategyId, symbol, message } = warning;
  return {
    code: WarningCode[warning.code],
    worldId,
    strategyId,
    symbol,
    message,
    ...optionalVenue(warning.venue),
  };
}

function toSkipped(skipped: SkippedDelta): MessageInitShape<typeof SkippedDeltaSchema> {
  const { worldId, strategyId, symbol, deltaQty, notional } = skipped;
  return {
    reason: SkipReason[skipped.reason],
    worldId,
    strategyId,
    symbol,
    deltaQty,
    notional,
    ...optionalVenue(skipped.venue),
  };
}

/** What takes part only in schema version 2. */
function versionTwoParts(negotiated: Negotiated, intent: JsonObject | undefined) {
  if (negotiated.schemaVersion === 1) return {};
  return { alphaMetrics: {}, rebalanceIntent: { meta: { ...intent } } };
}

/** A plan in v2 shape. */
export function toRebalancePlan(
  plan: RebalancePlan,
  negotiated: Negotiated,
  intent: JsonObject | undefined,
): MessageInitShape<typeof RebalancePlanSchema> {
  return {
    schemaVersion: negotiated.schemaVersion,
    downgraded: negotiated.downgraded,
    perWorld: Object.fromEntries(plan.perWorld.map((world) => [world.worldId, toWorldPlan(world)])),
    globalDeltas: plan.globalDeltas.map(toSymbolDelta),
    warnings: plan.warnings.map(toWarning),
    overlayDeltas: plan.overlayDeltas.map((delta) => ({ ...delta })),
    skipped: plan.skipped.map(toSkipped),
    ...versionTwoParts(negotiated, intent),
  };
}
