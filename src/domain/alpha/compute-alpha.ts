import { type FieldViolation, invalidFields } from "../errors.ts";
import { type AlphaRates, type AlphaResult, alphaPerformance } from "./alpha-performance.ts";
import { linearityFigures } from "./linearity.ts";
import type { LinearityKey } from "./metric-spec.ts";
import { type AlphaSeries, toCurve, toReturns } from "./series.ts";

/** Everything that can be said of one series. */
export interface ComputedAlpha {
  readonly alpha: AlphaResult;
  /** Judged on the levels, or on the running sum of returns or profits; costs and rates play no part. */
  readonly linearity: ReadonlyMap<LinearityKey, number>;
}

/** Largest rate that is taken, a ratio per period: more than the whole capital every period is a mistake. */
const MAX_RATE = 1;

function rateViolations(field: string, rate: number | undefined, lowest: number): FieldViolation[] {
  if (rate === undefined || (rate >= lowest && rate <= MAX_RATE)) return [];
  return [{ field, description: `must be a ratio per period from ${lowest} to ${MAX_RATE}` }];
}

/**
 * The figures of one series, from nothing but the arguments.
 *
 * @param rates risk-free rate −1..1 and transaction cost 0..1, both ratios per period.
 * @throws DomainError INVALID_FIELD for a rate out of its range.
 */
export function computeAlpha(series: AlphaSeries, rates: AlphaRates = {}): ComputedAlpha {
  const found = [
    ...rateViolations("risk_free_rate", rates.riskFreeRate, -MAX_RATE),
    ...rateViolations("transaction_cost", rates.transactionCost, 0),
  ];
  if (found.length > 0) throw invalidFields(found);
  return {
    alpha: alphaPerformance(toReturns(series).returns, rates),
    linearity: linearityFigures(toCurve(series)),
  };
}
