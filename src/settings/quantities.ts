/** Kinds of setting that are a number with a unit: counts, figures, spans of time, sizes, rates. */
import { type Kind, type Plain, type Reading, refuse } from "./kinds.ts";

interface Range {
  readonly min: number;
  readonly max: number;
}

/** A whole number; `unit` may follow it (`100000 commits`, `200/s`). */
export function count(range: Range, unit = ""): Kind<number> {
  return {
    type: "whole number",
    allowed: `${range.min} to ${range.max}${unit && ` ${unit}`}`,
    plain: (value) => value,
    read: (raw) => withinRange(toWhole(raw, unit), range, "is not a whole number", String),
  };
}

/** A figure that need not be whole. */
export function figure(range: Range, allowed: string): Kind<number> {
  return {
    type: "number",
    allowed,
    plain: (value) => value,
    read: (raw) => withinRange(toFigure(raw), range, "is not a number", String),
  };
}

const SPAN_UNITS = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
]);

/** A span of time, read to milliseconds. A bare number is refused: nobody can tell seconds from milliseconds. */
export function span(min: string, max: string): Kind<number> {
  const range = { min: toUnits(min, SPAN_UNITS), max: toUnits(max, SPAN_UNITS) };
  return {
    type: "span",
    allowed: `${min} to ${max}, written as 250ms, 5s, 2m or 1h`,
    plain: showSpan,
    read: (raw) => withinRange(toUnits(raw, SPAN_UNITS), range, "is not a span with a unit", showSpan),
  };
}

const SIZE_UNITS = new Map([
  ["", 1],
  ["B", 1],
  ["KiB", 1024],
  ["MiB", 1024 ** 2],
  ["GiB", 1024 ** 3],
]);

/** A size, read to bytes; a bare number is bytes. */
export function size(min: string, max: string): Kind<number> {
  const range = { min: toUnits(min, SIZE_UNITS), max: toUnits(max, SIZE_UNITS) };
  return {
    type: "size",
    allowed: `${min} to ${max}, written as bytes or with KiB, MiB, GiB`,
    plain: showSize,
    read: (raw) => withinRange(toUnits(raw, SIZE_UNITS), range, "is not a size", showSize),
  };
}

/** `value` as a user writes it, in the largest unit that keeps it whole: 5000 is `5s`. */
export function showSpan(ms: number): string {
  return show(ms, SPAN_UNITS, "ms", "");
}

export function showSize(bytes: number): string {
  return show(bytes, SIZE_UNITS, "B", " ");
}

function show(value: number, units: ReadonlyMap<string, number>, smallest: string, gap: string): string {
  let best = smallest;
  for (const [unit, factor] of units) if (unit !== "" && value !== 0 && value % factor === 0) best = unit;
  return `${value / (units.get(best) ?? 1)}${gap}${best}`;
}

function withinRange(
  value: number,
  range: Range,
  malformed: string,
  shown: (value: number) => Plain,
): Reading<number> {
  if (Number.isNaN(value)) return refuse(malformed);
  if (value < range.min) return refuse(`is less than ${shown(range.min)}`);
  if (value > range.max) return refuse(`is more than ${shown(range.max)}`);
  return { value };
}

function toWhole(raw: unknown, unit: string): number {
  const bare =
    typeof raw === "string" && unit !== "" && raw.endsWith(unit) ? raw.slice(0, -unit.length).trimEnd() : raw;
  const value = typeof bare === "string" && /^-?\d{1,15}$/.test(bare) ? Number(bare) : bare;
  return typeof value === "number" && Number.isSafeInteger(value) ? value : Number.NaN;
}

function toFigure(raw: unknown): number {
  if (typeof raw === "string" && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(raw)) return Number(raw);
  return typeof raw === "number" ? raw : Number.NaN;
}

/** Only whole results: a setting of 0.5 ms or 1.5 bytes has no meaning; `1.5s` does. */
function toUnits(raw: unknown, units: ReadonlyMap<string, number>): number {
  const match = /^(\d{1,12}(?:\.\d{1,6})?) ?([A-Za-z]*)$/.exec(
    typeof raw === "number" ? String(raw) : textOf(raw),
  );
  const factor = units.get(match?.[2] ?? "unknown");
  const value = Number(match?.[1]) * (factor ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

function textOf(raw: unknown): string {
  return typeof raw === "string" ? raw : "";
}
