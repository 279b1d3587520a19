import { type FieldViolation, invalidFields } from "../errors.ts";
import { idProblem } from "../rebalance/validate-fields.ts";
import type { AlphaSeries, SeriesKind } from "./series.ts";

/** A series as it comes from outside: nothing is known of its numbers yet. */
export interface SeriesInput {
  readonly worldId: string;
  readonly strategyId: string;
  /** Which of the three forms was given; `undefined` for none. */
  readonly kind: SeriesKind | undefined;
  readonly values: readonly number[];
  /** Read only for `pnl`; 0 or absent = not given. */
  readonly baseEquity?: number | undefined;
  readonly timesMs: readonly number[];
}

/** What one call may ask of its series beyond the rules for all. */
export interface SeriesRules {
  /** Whether a series may belong to nobody, as in a computation that stores nothing. Default false. */
  readonly anonymous?: boolean;
  /** Whether it must hold a return, as what is stored must: a single level is none. Default false. */
  readonly recorded?: boolean;
}

/** Longest series that is taken. */
export const MAX_SERIES_POINTS = 1_000_000;

/**
 * Largest size of a return, as a ratio. Beyond it somebody sent currency, and statistics of such numbers would leave
 * the range of a double.
 */
export const MAX_ABS_RETURN = 1e9;

/** Wrong values are reported one by one up to here: a million of them would make an error nobody can read. */
const MAX_REPORTED = 5;

type Complaint = (value: number, index: number, values: readonly number[]) => string | undefined;

const NOT_FINITE = "must be a finite number; leave gaps out";
const TOO_LARGE = `makes a return beyond ±${MAX_ABS_RETURN}, which is not a ratio`;

function complainOfReturn(value: number): string | undefined {
  if (!Number.isFinite(value)) return NOT_FINITE;
  return Math.abs(value) > MAX_ABS_RETURN ? TOO_LARGE : undefined;
}

function complainOfLevel(value: number, index: number, values: readonly number[]): string | undefined {
  if (!Number.isFinite(value)) return NOT_FINITE;
  if (value <= 0) return "must be a level above 0";
  const before = values[index - 1];
  if (before === undefined || !(before > 0)) return undefined;
  return Math.abs((value - before) / before) > MAX_ABS_RETURN ? TOO_LARGE : undefined;
}

function complainOfTime(value: number, index: number, values: readonly number[]): string | undefined {
  if (!Number.isFinite(value)) return "must be a valid time";
  const before = values[index - 1];
  return before !== undefined && value <= before ? "must be later than the time before it" : undefined;
}

/** The first wrong entries of a list, and how many more there are. */
function complaints(values: readonly number[], path: string, complain: Complaint): FieldViolation[] {
  const found: FieldViolation[] = [];
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    const description = complain(values[i] ?? Number.NaN, i, values);
    if (description === undefined) continue;
    count++;
    if (count <= MAX_REPORTED) found.push({ field: `${path}[${i}]`, description });
  }
  if (count > MAX_REPORTED) {
    found.push({ field: path, description: `${count - MAX_REPORTED} more entries are wrong` });
  }
  return found;
}

function profitComplaint(base: number): Complaint {
  return (profit) => complainOfReturn(Number.isFinite(profit) ? profit / base : profit);
}

function valueViolations(input: SeriesInput, path: string): FieldViolation[] {
  switch (input.kind) {
    case undefined:
      return [{ field: path, description: "must have one of returns, equity or pnl" }];
    case "returns":
      return complaints(input.values, `${path}.returns.values`, complainOfReturn);
    case "equity":
      return complaints(input.values, `${path}.equity.values`, complainOfLevel);
    case "pnl": {
      const base = input.baseEquity ?? 0;
      if (Number.isFinite(base) && base > 0) {
        return complaints(input.values, `${path}.pnl.values`, profitComplaint(base));
      }
      const description =
        "must be above 0: profits in currency are no returns without the capital behind them";
      return [{ field: `${path}.pnl.base_equity`, description }];
    }
  }
}

function timeViolations({ timesMs, values }: SeriesInput, path: string): FieldViolation[] {
  const field = `${path}.times`;
  if (timesMs.length === 0) return [];
  if (timesMs.length !== values.length) {
    return [{ field, description: `must have one time per value: ${values.length}, not ${timesMs.length}` }];
  }
  return complaints(timesMs, field, complainOfTime);
}

function lengthViolations({ kind, values }: SeriesInput, path: string, rules: SeriesRules): FieldViolation[] {
  const field = `${path}.${kind ?? "series"}.values`;
  const count = values.length;
  if (count > MAX_SERIES_POINTS) {
    return [{ field, description: `has ${count} values, more than ${MAX_SERIES_POINTS}` }];
  }
  if (count === 0) return [{ field, description: "must hold at least one value" }];
  if (count > 1 || kind !== "equity" || !rules.recorded) return [];
  return [{ field, description: "must hold at least two levels: returns are taken between neighbours" }];
}

function ownerViolations(input: SeriesInput, path: string, rules: SeriesRules): FieldViolation[] {
  const { worldId, strategyId } = input;
  const world = worldId === "" && rules.anonymous ? undefined : idProblem(worldId);
  const strategy = strategyId === "" ? undefined : idProblem(strategyId);
  return [
    ...(world === undefined ? [] : [{ field: `${path}.world_id`, description: world }]),
    ...(strategy === undefined ? [] : [{ field: `${path}.strategy_id`, description: strategy }]),
  ];
}

/** Every way in which a series is wrong; an empty list for a good one. */
export function seriesViolations(
  input: SeriesInput,
  path: string,
  rules: SeriesRules = {},
): FieldViolation[] {
  const owner = ownerViolations(input, path, rules);
  if (input.kind === undefined) return [...owner, ...valueViolations(input, path)];
  const length = lengthViolations(input, path, rules);
  if (length.length > 0) return [...owner, ...length];
  return [...owner, ...valueViolations(input, path), ...timeViolations(input, path)];
}

function toSeries(input: SeriesInput): AlphaSeries {
  const { worldId, strategyId, kind = "returns", values, timesMs } = input;
  const series = { worldId, strategyId, kind, values, timesMs };
  return kind === "pnl" ? { ...series, baseEquity: input.baseEquity ?? 0 } : series;
}

/**
 * One series from outside.
 *
 * @param path proto path of the series, for the error (`series`, `alpha_series[3]`).
 * @throws DomainError INVALID_FIELD with the path of every wrong field.
 */
export function parseSeries(input: SeriesInput, path: string, rules: SeriesRules = {}): AlphaSeries {
  const found = seriesViolations(input, path, rules);
  if (found.length > 0) throw invalidFields(found);
  return toSeries(input);
}

/**
 * The series of one call; each world and strategy may have one.
 *
 * @param path proto path of the list (`alpha_series`).
 * @throws DomainError INVALID_FIELD with the path of every wrong field.
 */
export function parseSeriesList(
  inputs: readonly SeriesInput[],
  path: string,
  rules: SeriesRules = {},
): AlphaSeries[] {
  const found: FieldViolation[] = [];
  const seen = new Map<string, Set<string>>();
  inputs.forEach((input, i) => {
    const here = `${path}[${i}]`;
    found.push(...seriesViolations(input, here, rules));
    const strategies = seen.get(input.worldId) ?? new Set();
    if (strategies.has(input.strategyId)) {
      found.push({ field: here, description: "is a second series of the same world and strategy" });
    }
    seen.set(input.worldId, strategies.add(input.strategyId));
  });
  if (found.length > 0) throw invalidFields(found);
  return inputs.map(toSeries);
}
