/** Reads alpha metrics as the metric specification says, whoever wrote them. */
import type { AlphaKey } from "../domain/alpha/metric-spec.ts";
import { type ParsedEnvelope, parseEnvelope } from "../domain/alpha/parse-envelope.ts";

/** A series whose figures are 0.0 because they are unknown, not because 0.0 was measured. */
export interface MissingSeries {
  readonly worldId: string;
  /** Empty = the world's own. */
  readonly strategyId: string;
  /** The keys concerned; empty = all. */
  readonly metrics: readonly string[];
}

export interface AlphaMetricsView extends ParsedEnvelope {
  readonly missing: readonly MissingSeries[];
}

/**
 * Exactly the six figures of each world, and of each strategy in each world: unknown keys are ignored, what is missing
 * or not a finite number is 0.0.
 *
 * @param value `AlphaMetrics` of either package as a message or as proto JSON, or an envelope
 *   `{per_world, per_strategy}` with the figures directly in it; anything else reads as nothing.
 */
export function parseAlphaMetrics(value: unknown): AlphaMetricsView {
  const perStrategy = new Map<string, unknown>();
  for (const [strategyId, entry] of entries(field(value, "perStrategy", "per_strategy"))) {
    perStrategy.set(strategyId, figures(field(entry, "worlds") ?? entry));
  }
  const perWorld = figures(field(value, "perWorld", "per_world"));
  const envelope = parseEnvelope({ per_world: perWorld, per_strategy: perStrategy });
  return { ...envelope, missing: missingOf(field(value, "missing")) };
}

/** False where a figure of 0.0 means that nobody knows it. `strategyId` empty = the world's own. */
export function isMeasured(
  view: AlphaMetricsView,
  worldId: string,
  strategyId: string,
  key: AlphaKey,
): boolean {
  const known =
    strategyId === "" ? view.perWorld.get(worldId) : view.perStrategy.get(strategyId)?.get(worldId);
  if (known === undefined) return false;
  return !view.missing.some(
    (each) =>
      each.worldId === worldId &&
      each.strategyId === strategyId &&
      (each.metrics.length === 0 || each.metrics.includes(key)),
  );
}

/** Key → figures, with the `metrics` of an `AlphaPerformance` taken out of its message. */
function figures(value: unknown): Map<string, unknown> {
  return new Map(entries(value).map(([key, entry]) => [key, field(entry, "metrics") ?? entry]));
}

function isMap(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function entries(value: unknown): [string, unknown][] {
  return isMap(value) ? Object.entries(value) : [];
}

/** The first of these fields that is there. */
function field(value: unknown, ...names: readonly string[]): unknown {
  const all = new Map(entries(value));
  return names.map((name) => all.get(name)).find((found) => found !== undefined);
}

function missingOf(value: unknown): readonly MissingSeries[] {
  if (!Array.isArray(value)) return [];
  return value.map((row) => {
    const metrics = field(row, "metrics");
    return {
      worldId: text(field(row, "worldId", "world_id")),
      strategyId: text(field(row, "strategyId", "strategy_id")),
      metrics: Array.isArray(metrics) ? metrics.map(text) : [],
    };
  });
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
