/** What the demo knows of a plan, whichever package it came from: what it shows, and what must hold for it. */
import type { DescEnum } from "@bufbuild/protobuf";
import {
  type RebalancePlan as PlanV1,
  type RebalanceRequest as RequestV1,
  WarningCodeSchema as WarningCodeV1Schema,
} from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { MissingReasonSchema } from "#gen/worldservice/v2/alpha_metrics_pb.ts";
import {
  type RebalancePlan as PlanV2,
  type RebalanceRequest as RequestV2,
  SkipReasonSchema,
  WarningCodeSchema,
} from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { change, money, percent, printTable, quantity } from "./output.ts";
import { holdingsOf } from "./portfolios.ts";

export type AnyPlan = PlanV1 | PlanV2;
export type AnyRequest = RequestV1 | RequestV2;

/** Sorted by name, as the service sorts everything that comes from a map. */
export function sortedEntries<T>(map: Readonly<Record<string, T>>): readonly (readonly [string, T])[] {
  return Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Σ qty × mark of a world's positions, in base currency. */
export function exposureOf(request: AnyRequest, worldId: string): number {
  const held = holdingsOf(request).filter((holding) => holding.worldId === worldId);
  return held.reduce((sum, { qty, mark }) => sum + qty * mark, 0);
}

export function isV2Plan(plan: AnyPlan): plan is PlanV2 {
  return plan.$typeName === "worldservice.v2.RebalancePlan";
}

function nameOf(schema: DescEnum, number: number): string {
  return (
    schema.value[number]?.name.replace(/^(WARNING_CODE|SKIP_REASON|MISSING_REASON)_/, "") ?? String(number)
  );
}

/** The tables of one plan: worlds, their deltas, what nets over all worlds, what was left out and why. */
export function showPlan(request: AnyRequest, plan: AnyPlan): void {
  showWorlds(request, plan);
  showDeltas(plan);
  const netted = plan.globalDeltas.map(({ symbol, venue, deltaQty }) => [
    symbol,
    venue ?? "",
    change(deltaQty),
  ]);
  printTable("Netted over all worlds", ["symbol", "venue", "change>"], netted);
  if (isV2Plan(plan)) {
    showExplanation(plan);
    showAlphaMetrics(plan);
  }
  const codes = isV2Plan(plan) ? WarningCodeSchema : WarningCodeV1Schema;
  const warnings = plan.warnings.map(({ code, message }) => [nameOf(codes, code), message]);
  printTable("Warnings", ["code", "message"], warnings);
}

function showWorlds(request: AnyRequest, plan: AnyPlan): void {
  const rows = sortedEntries(request.worldAllocAfter).map(([worldId, after]) => {
    const before = request.worldAllocBefore[worldId] ?? 0;
    const planned = plan.perWorld[worldId];
    return [
      worldId,
      percent(before),
      percent(after),
      planned === undefined ? "" : planned.scaleWorld.toFixed(4),
      money(exposureOf(request, worldId)),
      planned === undefined ? "" : String(planned.deltas.length),
    ];
  });
  printTable("Worlds", ["world", "before>", "after>", "scale>", "exposure>", "deltas>"], rows);
}

function showDeltas(plan: AnyPlan): void {
  const columns = ["world", "symbol", "venue", "change>"];
  if (!isV2Plan(plan)) {
    const rows = sortedEntries(plan.perWorld).flatMap(([worldId, { deltas }]) =>
      deltas.map(({ symbol, venue, deltaQty }) => [worldId, symbol, venue ?? "", change(deltaQty)]),
    );
    printTable("Deltas", columns, rows);
    return;
  }
  const rows = sortedEntries(plan.perWorld).flatMap(([worldId, { deltas }]) =>
    deltas.map(({ symbol, venue, deltaQty, mark, notional, residualQty }) => {
      const what = [worldId, symbol, venue ?? "", change(deltaQty)];
      return [...what, quantity(mark), money(notional), quantity(residualQty)];
    }),
  );
  printTable("Deltas", [...columns, "mark>", "notional>", "lost to the lot>"], rows);
}

function showExplanation({ overlayDeltas, skipped }: PlanV2): void {
  const overlay = overlayDeltas.map(({ worldId, symbol, deltaQty, price }) => [
    worldId,
    symbol,
    change(deltaQty),
    quantity(price),
    money(deltaQty * price),
  ]);
  printTable("Overlay", ["world", "instrument", "change>", "price>", "notional>"], overlay);
  const dropped = skipped.map(({ reason, worldId, symbol, venue, deltaQty, notional }) => [
    nameOf(SkipReasonSchema, reason),
    worldId,
    symbol,
    venue ?? "",
    quantity(deltaQty),
    money(notional),
  ]);
  printTable("Left out", ["reason", "world", "symbol", "venue", "change>", "notional>"], dropped);
}

const PREFIX = "alpha_performance.";
const METRICS = ["sharpe", "max_drawdown", "win_ratio", "profit_factor", "car_mdd", "rar_mdd"] as const;

/** One (world, strategy) and what is known of its performance; the empty strategy is the world itself. */
export interface Measured {
  readonly worldId: string;
  readonly strategyId: string;
  readonly metrics: Readonly<Record<string, number>>;
  /** Why the figures are 0 and mean nothing; empty where they were measured. */
  readonly missing: string;
}

/** Every pair the plan has metrics for: worlds first. */
export function measuredOf({ alphaMetrics }: PlanV2): readonly Measured[] {
  if (alphaMetrics === undefined) return [];
  const { perWorld, perStrategy, missing } = alphaMetrics;
  const row = (worldId: string, strategyId: string, { metrics }: { metrics: Record<string, number> }) => {
    const gap = missing.find((each) => each.worldId === worldId && each.strategyId === strategyId);
    return {
      worldId,
      strategyId,
      metrics,
      missing: gap === undefined ? "" : nameOf(MissingReasonSchema, gap.reason),
    };
  };
  const worlds = sortedEntries(perWorld).map(([worldId, performance]) => row(worldId, "", performance));
  const strategies = sortedEntries(perStrategy).flatMap(([strategyId, each]) =>
    sortedEntries(each.worlds).map(([worldId, performance]) => row(worldId, strategyId, performance)),
  );
  return [...worlds, ...strategies];
}

function showAlphaMetrics(plan: PlanV2): void {
  const rows = measuredOf(plan);
  if (rows.every(({ missing }) => missing !== "")) return; // no series were given: a table of zeros tells nothing
  const table = rows.map(({ worldId, strategyId, metrics, missing }) => {
    const figures = METRICS.map((name) => (metrics[PREFIX + name] ?? Number.NaN).toFixed(4));
    return [worldId, strategyId, ...figures, missing];
  });
  const figures = METRICS.map((name) => `${name}>`);
  printTable("Alpha metrics", ["world", "strategy", ...figures, "not measured"], table);
}

/** True for a performance with exactly the six keys of the contract, all finite. */
export function hasSixMetrics({ metrics }: Measured): boolean {
  const keys = METRICS.map((name) => PREFIX + name);
  return Object.keys(metrics).length === keys.length && keys.every((key) => Number.isFinite(metrics[key]));
}
