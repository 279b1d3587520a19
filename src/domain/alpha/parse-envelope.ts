import { ALPHA_KEYS, type AlphaKey } from "./metric-spec.ts";

/** Six figures by key, as read from somewhere else; every value finite. */
export type ParsedFigures = ReadonlyMap<AlphaKey, number>;

/** An envelope as read from somewhere else. */
export interface ParsedEnvelope {
  readonly perWorld: ReadonlyMap<string, ParsedFigures>;
  /** Strategy → world → figures. */
  readonly perStrategy: ReadonlyMap<string, ReadonlyMap<string, ParsedFigures>>;
}

/** Entries of an object or of a map; `undefined` for anything else, lists included. */
function entriesOf(value: unknown): [string, unknown][] | undefined {
  if (value instanceof Map) return [...value].filter((entry) => typeof entry[0] === "string");
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value);
}

/** A number, a numeric text or a truth value as a finite number; everything else, NaN and infinities are 0. */
function finiteOrZero(value: unknown): number {
  const usable = typeof value === "number" || typeof value === "boolean" || isNumericText(value);
  const number = usable ? Number(value) : 0;
  return Number.isFinite(number) ? number : 0;
}

function isNumericText(value: unknown): value is string {
  return typeof value === "string" && /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/.test(value);
}

/**
 * Exactly the six figures out of anything that looks like a map: unknown keys are ignored, what is missing or not a
 * finite number is 0.0.
 */
export function sanitizeFigures(value: unknown): ParsedFigures {
  const given = new Map(entriesOf(value) ?? []);
  return new Map(ALPHA_KEYS.map((key) => [key, finiteOrZero(given.get(key))]));
}

function figuresByKey(value: unknown): Map<string, ParsedFigures> {
  const figures = new Map<string, ParsedFigures>();
  for (const [key, entry] of entriesOf(value) ?? []) {
    if (entriesOf(entry) !== undefined) figures.set(key, sanitizeFigures(entry));
  }
  return figures;
}

/**
 * Reads an envelope `{per_world, per_strategy}` that another system wrote.
 *
 * Forgiving on purpose, so that a newer writer never breaks an older reader: entries that are no maps are skipped, as
 * are strategies without any world, and nothing at all gives an empty envelope.
 */
export function parseEnvelope(value: unknown): ParsedEnvelope {
  const envelope = new Map(entriesOf(value) ?? []);
  const perStrategy = new Map<string, Map<string, ParsedFigures>>();
  for (const [strategyId, worlds] of entriesOf(envelope.get("per_strategy")) ?? []) {
    const figures = figuresByKey(worlds);
    if (figures.size > 0) perStrategy.set(strategyId, figures);
  }
  return { perWorld: figuresByKey(envelope.get("per_world")), perStrategy };
}
