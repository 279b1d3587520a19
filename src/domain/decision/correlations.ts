import { type FieldViolation, invalidFields } from "../errors.ts";
import { idProblem } from "../rebalance/validate-fields.ts";

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

/** Wrong entries are reported one by one up to here: there may be a million. */
const MAX_REPORTED = 20;

/**
 * Refuses correlations outside −1..1, of something that cannot be a strategy, and a pair that is given twice.
 *
 * @param path proto path of the list, for errors.
 * @throws DomainError INVALID_FIELD naming the first wrong entries.
 */
export function checkCorrelations(list: readonly Correlation[], path = "correlations"): void {
  const found: FieldViolation[] = [];
  const seen = new Map<string, Set<string>>();
  for (let i = 0; i < list.length && found.length < MAX_REPORTED; i++) {
    const one = list[i] as Correlation;
    found.push(...ownProblems(one, `${path}[${i}]`));
    if (isRepeat(seen, one))
      found.push({ field: `${path}[${i}]`, description: "names a pair for the second time" });
  }
  if (found.length > 0) throw invalidFields(found);
}

function ownProblems({ strategyA, strategyB, rho }: Correlation, path: string): FieldViolation[] {
  const first = idProblem(strategyA);
  const second = idProblem(strategyB);
  return [
    ...(first === undefined ? [] : [{ field: `${path}.strategy_a`, description: first }]),
    ...(second === undefined ? [] : [{ field: `${path}.strategy_b`, description: second }]),
    ...(rho >= -1 && rho <= 1
      ? []
      : [{ field: `${path}.rho`, description: "must be a correlation from -1 to 1" }]),
  ];
}

/** Remembers the pair, in whichever order it was given. */
function isRepeat(seen: Map<string, Set<string>>, { strategyA, strategyB }: Correlation): boolean {
  const [low, high] = strategyA < strategyB ? [strategyA, strategyB] : [strategyB, strategyA];
  const partners = seen.get(low) ?? new Set<string>();
  seen.set(low, partners);
  if (partners.has(high)) return true;
  partners.add(high);
  return false;
}
