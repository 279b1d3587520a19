import { readFileSync } from "node:fs";
import {
  columnsFromRows,
  type PositionColumns,
  type RebalanceInput,
  type StrategyRatios,
  type WorldPlan,
} from "../../../../src/domain/rebalance/index.ts";

/** A number of a golden file: what JSON cannot say is a string there. */
export type GoldenNumber = number | "NaN" | "Infinity" | "-Infinity";
type GoldenMap = Readonly<Record<string, GoldenNumber>>;
type GoldenMaps = Readonly<Record<string, GoldenMap>>;

export interface GoldenCase<Input, Result> {
  readonly id: string;
  readonly input: Input;
  readonly expected: {
    readonly result?: Result;
    readonly error?: { readonly type: string; readonly message: string };
  };
  readonly defects: readonly string[];
  readonly note?: string;
}

export interface GoldenPosition {
  readonly world_id: string;
  readonly strategy_id: string;
  readonly symbol: string;
  readonly venue: string | null;
  readonly qty: GoldenNumber;
  readonly mark: GoldenNumber;
}

export interface GoldenContext {
  readonly total_equity: GoldenNumber;
  readonly world_alloc_before: GoldenMap;
  readonly world_alloc_after: GoldenMap;
  readonly strategy_alloc_before_total: GoldenMaps | null;
  readonly strategy_alloc_after_total: GoldenMaps | null;
  readonly positions: readonly GoldenPosition[];
  readonly min_trade_notional: GoldenNumber | null;
  readonly lot_size_by_symbol: GoldenMap | null;
}

export interface GoldenDelta {
  readonly symbol: string;
  readonly delta_qty: GoldenNumber;
  readonly venue: string | null;
}

export interface GoldenWorldPlan {
  readonly world_id: string;
  readonly scale_world: GoldenNumber;
  readonly scale_by_strategy: GoldenMap;
  readonly deltas: readonly GoldenDelta[];
}

export interface GoldenPlan {
  readonly per_world: Readonly<Record<string, GoldenWorldPlan>>;
  readonly global_deltas: readonly GoldenDelta[];
}

/** The cases of one area of `test/golden/planner`. */
export function goldenCases<Input, Result>(area: string): GoldenCase<Input, Result>[] {
  const url = new URL(`../../../golden/planner/${area}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as GoldenCase<Input, Result>[];
}

export function goldenPlannerCases(): GoldenCase<GoldenContext, GoldenPlan>[] {
  return goldenCases<GoldenContext, GoldenPlan>("planner");
}

/** Whether every defect of a case starts with one of the tags. */
export function onlyDefects(tags: readonly string[]): (golden: { defects: readonly string[] }) => boolean {
  return ({ defects }) => defects.every((defect) => tags.some((tag) => defect.startsWith(`${tag}-`)));
}

export function hasDefect(tag: string): (golden: { defects: readonly string[] }) => boolean {
  return ({ defects }) => defects.some((defect) => defect.startsWith(`${tag}-`));
}

export function toMap(map: GoldenMap | null | undefined): Map<string, number> {
  return new Map(Object.entries(map ?? {}).map(([key, value]) => [key, Number(value)]));
}

function toMaps(maps: GoldenMaps | null): StrategyRatios {
  return new Map(Object.entries(maps ?? {}).map(([key, map]) => [key, toMap(map)]));
}

export function toColumns(positions: readonly GoldenPosition[]): PositionColumns {
  return columnsFromRows(
    positions.map((row) => ({
      worldId: row.world_id,
      strategyId: row.strategy_id,
      symbol: row.symbol,
      venue: row.venue ?? undefined,
      qty: Number(row.qty),
      mark: Number(row.mark),
    })),
  );
}

export function toInput(context: GoldenContext): RebalanceInput {
  return {
    totalEquity: Number(context.total_equity),
    worldBefore: toMap(context.world_alloc_before),
    worldAfter: toMap(context.world_alloc_after),
    strategyBefore: toMaps(context.strategy_alloc_before_total),
    strategyAfter: toMaps(context.strategy_alloc_after_total),
    positions: toColumns(context.positions),
    minTradeNotional: Number(context.min_trade_notional ?? 0),
    lotBySymbol: toMap(context.lot_size_by_symbol),
  };
}

/** The tolerance of the golden data. */
export function near(a: number, b: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  return a === b || Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));
}

/** Golden form of deltas, so that a difference reads like the data. */
export function fromDeltas(
  deltas: readonly { symbol: string; deltaQty: number; venue: string | undefined }[],
): GoldenDelta[] {
  return deltas.map(({ symbol, deltaQty, venue }) => ({ symbol, delta_qty: deltaQty, venue: venue ?? null }));
}

/** Golden form of world plans. */
export function fromWorlds(perWorld: readonly WorldPlan[]): GoldenPlan["per_world"] {
  const worlds = perWorld.map(({ worldId, scaleWorld, scaleByStrategy, deltas }) => ({
    world_id: worldId,
    scale_world: scaleWorld,
    scale_by_strategy: Object.fromEntries(scaleByStrategy),
    deltas: fromDeltas(deltas),
  }));
  return Object.fromEntries(worlds.map((world) => [world.world_id, world]));
}

/** Where two values differ, as a path; numbers within the golden tolerance are equal; `undefined` = nowhere. */
export function difference(got: unknown, want: unknown, path = "$"): string | undefined {
  if (typeof got === "number" || typeof want === "number") {
    return near(Number(got), Number(want)) ? undefined : `${path}: ${got} instead of ${want}`;
  }
  if (!isObject(got) || !isObject(want)) {
    return got === want ? undefined : `${path}: ${String(got)} instead of ${String(want)}`;
  }
  return objectDifference(got, want, path);
}

function objectDifference(
  got: Record<string, unknown>,
  want: Record<string, unknown>,
  path: string,
): string | undefined {
  const keys = Object.keys(want);
  if (Object.keys(got).length !== keys.length) {
    return `${path}: ${JSON.stringify(got)} instead of ${JSON.stringify(want)}`;
  }
  for (const key of keys) {
    const found = difference(got[key], want[key], `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
