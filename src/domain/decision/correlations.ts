import { type FieldViolation, invalidFields } from "../errors.ts";

/** Correlation of two strategies' returns. */
export interface Correlation {
  readonly strategyA: string;
  readonly strategyB: string;
  /** −1..1. */
  readonly rho: number;
}

/** Correlation of two strategies in either order; 0 where none was given. */
export type CorrelationTable = (a: string, b: string) => number;

/** Looks correlations up in either order of the pair; of a pair given twice the first counts. */
export function correlationTable(list: readonly Correlation[]): CorrelationTable {
  const rows = new Map<string, Map<string, number>>();
  const put = (a: string, b: string, rho: number): void => {
    const row = rows.get(a) ?? new Map<string, number>();
    rows.set(a, row);
    if (!row.has(b)) row.set(b, rho);
  };
  for (const { strategyA, strategyB, rho } of list) {
    put(strategyA, strategyB, rho);
    put(strategyB, strategyA, rho);
  }
  return (a, b) => rows.get(a)?.get(b) ?? 0;
}

/**
 * Refuses correlations outside −1..1 and a pair that is given twice with different values.
 *
 * @param path proto path of the list, for errors.
 * @throws DomainError INVALID_FIELD.
 */
export function checkCorrelations(list: readonly Correlation[], path = "correlations"): void {
  const found: FieldViolation[] = [];
  const table = correlationTable(list);
  list.forEach(({ strategyA, strategyB, rho }, i) => {
    if (!(rho >= -1 && rho <= 1)) {
      found.push({ field: `${path}[${i}].rho`, description: "must be a correlation from -1 to 1" });
    } else if (table(strategyA, strategyB) !== rho) {
      found.push({ field: `${path}[${i}]`, description: "contradicts an earlier value for the same pair" });
    }
  });
  if (found.length > 0) throw invalidFields(found);
}
