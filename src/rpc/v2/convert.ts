import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type AlphaMetricsSchema, MissingReason } from "#gen/worldservice/v2/alpha_metrics_pb.ts";
import { ExecutionStatus } from "#gen/worldservice/v2/order_pb.ts";
import {
  type ApplyRebalanceResponseSchema,
  type InstrumentConstraint as ConstraintMessage,
  type HybridMode,
  type InstrumentConstraintSchema,
  type OverlayMode,
  type OverlayModeSchema,
  type PositionTableSchema,
  type RebalancePlanSchema,
  type RebalanceRequest,
  type RebalanceRequestSchema,
  type RebalanceRunSchema,
  type SkippedDeltaSchema,
  SkipReason,
  type SymbolDeltaSchema,
  WarningCode,
  type WarningSchema,
  type WorldPlanSchema,
} from "#gen/worldservice/v2/rebalance_service_pb.ts";
import type { AlphaEnvelope } from "../../domain/events/types.ts";
import type { JsonObject } from "../../domain/json.ts";
import type { InstrumentConstraint } from "../../domain/orders/constraints.ts";
import type { Negotiated } from "../../domain/rebalance/negotiation.ts";
import type {
  OverlayConfig,
  PlanWarning,
  PositionColumns,
  RebalanceInput,
  RebalanceMode,
  RebalancePlan,
  SkippedDelta,
  SymbolDelta,
  WorldPlan,
} from "../../domain/rebalance/types.ts";
import type { AppliedRun, RunRecord } from "../../domain/runs/types.ts";
import type { AppliedOutcome } from "../../orchestration/apply-rebalance/apply-rebalance.ts";
import type { RebalanceCall } from "../../orchestration/plan-rebalance/plan-rebalance.ts";
import type { RunAt } from "../../orchestration/read-runs/read-runs.ts";
import { toStrategyFigures, toWorldFigures } from "../alpha/figures.ts";
import { fromAlphaSeries, toAlphaSeries } from "../alpha/series.ts";
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

/** A rule for orders. Nothing but its venue can be absent. */
export function fromConstraint(rule: ConstraintMessage): InstrumentConstraint {
  const { venue, symbol, canonicalSymbol, aliases, lotSize, minNotional, tickSize, closingExempt } = rule;
  return { venue, symbol, canonicalSymbol, aliases, lotSize, minNotional, tickSize, closingExempt };
}

export function toConstraint(
  rule: InstrumentConstraint,
): MessageInitShape<typeof InstrumentConstraintSchema> {
  const { venue, aliases, ...rest } = rule;
  return { ...rest, aliases: [...aliases], ...optionalVenue(venue) };
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
    constraints: message.constraints.map(fromConstraint),
    alphaSeries: message.alphaSeries.map(fromAlphaSeries),
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

/** What a plan was made of, beside the plan itself. */
export interface PlanParts {
  readonly plan: RebalancePlan;
  readonly negotiated: Negotiated;
  readonly intent: JsonObject | undefined;
  readonly alphaMetrics: AlphaEnvelope | undefined;
}

/** Performance figures; without any, the message is there and empty. */
export function toAlphaMetrics(
  envelope: AlphaEnvelope | undefined,
): MessageInitShape<typeof AlphaMetricsSchema> {
  if (envelope === undefined) return {};
  return {
    perWorld: toWorldFigures(envelope.perWorld),
    perStrategy: toStrategyFigures(envelope.perStrategy),
    missing: envelope.missing.map(({ worldId, strategyId, reason, metrics }) => ({
      worldId,
      strategyId,
      reason: MissingReason[reason],
      metrics: [...metrics],
    })),
  };
}

/** What takes part only in schema version 2. */
function versionTwoParts({ negotiated, intent, alphaMetrics }: PlanParts) {
  if (negotiated.schemaVersion === 1) return {};
  return { alphaMetrics: toAlphaMetrics(alphaMetrics), rebalanceIntent: { meta: { ...intent } } };
}

/** A plan in v2 shape. */
export function toRebalancePlan(parts: PlanParts): MessageInitShape<typeof RebalancePlanSchema> {
  const { plan, negotiated } = parts;
  return {
    schemaVersion: negotiated.schemaVersion,
    downgraded: negotiated.downgraded,
    perWorld: Object.fromEntries(plan.perWorld.map((world) => [world.worldId, toWorldPlan(world)])),
    globalDeltas: plan.globalDeltas.map(toSymbolDelta),
    warnings: plan.warnings.map(toWarning),
    overlayDeltas: plan.overlayDeltas.map((delta) => ({ ...delta })),
    skipped: plan.skipped.map(toSkipped),
    ...versionTwoParts(parts),
  };
}

function toOverlay(overlay: OverlayConfig | undefined): MessageInitShape<typeof OverlayModeSchema> {
  if (overlay === undefined) return {};
  return {
    instrumentByWorld: toMap(overlay.instrumentByWorld),
    priceBySymbol: toMap(overlay.priceBySymbol),
    minOrderNotional: overlay.minOrderNotional,
  };
}

/** A mode back to its `oneof`; scaling is what no mode means. */
export function toMode(mode: RebalanceMode) {
  switch (mode.kind) {
    case "overlay":
      return { case: "overlay", value: toOverlay(mode.overlay) } as const;
    case "hybrid": {
      const value = { overlay: toOverlay(mode.overlay), scalingFraction: mode.scalingFraction };
      return { case: "hybrid", value } as const;
    }
    default:
      return { case: undefined } as const;
  }
}

/** Positions in the form in which they came. */
export function toPositionFields(columns: PositionColumns, source: "rows" | "table") {
  if (source === "rows") return { positions: [...rowsOf(columns)] };
  return { positionTable: toTable(columns) };
}

function toTable(columns: PositionColumns): MessageInitShape<typeof PositionTableSchema> {
  return {
    worlds: [...columns.worlds],
    strategies: [...columns.strategies],
    symbols: [...columns.symbols],
    venues: [...columns.venues],
    world: [...columns.world],
    strategy: [...columns.strategy],
    symbol: [...columns.symbol],
    venue: [...columns.venue],
    qty: [...columns.qty],
    mark: [...columns.mark],
  };
}

/** A stored request in v2 shape, whichever package sent it. */
function toRebalanceRequest(run: RunRecord): MessageInitShape<typeof RebalanceRequestSchema> {
  const { input } = run;
  return {
    schemaVersion: run.requestedVersion,
    totalEquity: input.totalEquity,
    worldAllocBefore: toMap(input.worldBefore),
    worldAllocAfter: toMap(input.worldAfter),
    ...toPositionFields(input.positions, run.positionSource),
    strategyAllocBeforeTotal: toStrategyAllocations(input.strategyBefore),
    strategyAllocAfterTotal: toStrategyAllocations(input.strategyAfter),
    minTradeNotional: input.minTradeNotional,
    lotSizeBySymbol: toMap(input.lotBySymbol),
    mode: toMode(run.mode),
    constraints: run.constraints.map(toConstraint),
    alphaSeries: run.alphaSeries.map(toAlphaSeries),
    ...(run.intent && { rebalanceIntent: { meta: run.intent } }),
  };
}

export function toApplyResponse({
  run,
  replayed,
}: AppliedOutcome): MessageInitShape<typeof ApplyRebalanceResponseSchema> {
  return { runId: run.runId, etag: run.etag, plan: toRebalancePlan(run), replayed };
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
    plan: toRebalancePlan(run),
    executionStatus: ExecutionStatus[run.executionStatus],
  };
}
