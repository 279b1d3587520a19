import {
  type AlphaResult,
  alphaPerformance,
  alphaResult,
  type MissingReason,
  measureAlpha,
  unknownAlpha,
} from "./alpha-performance.ts";
import { ALPHA_KEYS, type AlphaKey } from "./metric-spec.ts";
import type { ReturnSeries } from "./series.ts";
import type { AlphaStatistics } from "./statistics.ts";

/** What is known of a world or strategy when its figures are asked for. */
export interface AlphaQuestion {
  readonly worldId: string;
  /** Empty for the world itself. */
  readonly strategyId: string;
  /** The returns, where they were sent or loaded. They win over `statistics`. */
  readonly series?: ReturnSeries | undefined;
  /** The kept statistics of a stored series. */
  readonly statistics?: AlphaStatistics | undefined;
}

/** Something that turns what is known into the six figures. */
export interface AlphaCalculator {
  /** `statistics`: kept statistics of stored series are enough. `series`: it wants the returns themselves. */
  readonly wants: "statistics" | "series";
  /**
   * Pure and synchronous: the same question gets the same answer. It is asked for every world and strategy, known series
   * or not; an answer is sanitised before use, and an error it throws fails the call.
   */
  calculate(question: AlphaQuestion): AlphaResult;
}

/** The calculator of this service: the formulas of the metric table, all rates 0. */
export const defaultAlphaCalculator: AlphaCalculator = {
  wants: "statistics",
  calculate({ series, statistics }) {
    if (series !== undefined) return alphaPerformance(series.returns);
    return statistics === undefined ? unknownAlpha("NO_SERIES") : measureAlpha(statistics);
  },
};

function isClean({ metrics }: AlphaResult): boolean {
  return metrics.size === ALPHA_KEYS.length && ALPHA_KEYS.every((key) => Number.isFinite(metrics.get(key)));
}

/**
 * Asks a calculator and holds its answer to the contract: exactly the six keys, all finite. What it leaves out or
 * answers with NaN or infinity becomes 0.0 and is reported.
 */
export function askCalculator(calculator: AlphaCalculator, question: AlphaQuestion): AlphaResult {
  const answer = calculator.calculate(question);
  if (isClean(answer)) return answer;
  const reasons = new Map<AlphaKey, MissingReason>();
  for (const { reason, metrics } of answer.missing) for (const key of metrics) reasons.set(key, reason);
  return alphaResult((key) => {
    const value = answer.metrics.get(key);
    return reasons.get(key) ?? (value !== undefined && Number.isFinite(value) ? value : "NOT_COMPUTABLE");
  });
}
