import { invalidFields } from "../domain/errors.ts";
import type { PositionColumns, Ratios, StrategyRatios } from "../domain/rebalance/types.ts";
import { sortedByKey } from "../domain/text.ts";

/** Wire shapes that both packages share. A decoded map has no order of its own: it is sorted here, once. */
export function fromMap<V>(map: Readonly<Record<string, V>>): Map<string, V> {
  return sortedByKey(Object.entries(map));
}

/** `map<string, StrategyAllocations>` of either package. */
export function fromStrategyAllocations(
  map: Readonly<Record<string, { readonly ratios: Readonly<Record<string, number>> }>>,
): StrategyRatios {
  return new Map([...fromMap(map)].map(([world, allocations]) => [world, fromMap(allocations.ratios)]));
}

/** Ratios to a wire map. `Object.fromEntries` defines own properties, so `__proto__` is a key like any other. */
export function toMap<V>(map: ReadonlyMap<string, V>): Record<string, V> {
  return Object.fromEntries(map);
}

/** Ratios by world and strategy to `map<string, StrategyAllocations>`. */
export function toStrategyAllocations(
  map: StrategyRatios,
): Record<string, { ratios: Record<string, number> }> {
  return Object.fromEntries(
    [...map].map(([world, ratios]: [string, Ratios]) => [world, { ratios: toMap(ratios) }]),
  );
}

/** `{ venue }` only where there is one: absent and empty are different venues. */
export function optionalVenue(venue: string | undefined): { venue?: string } {
  return venue === undefined ? {} : { venue };
}

/**
 * The message a request must carry.
 *
 * @throws DomainError INVALID_FIELD when it is missing.
 */
export function required<M>(message: M | undefined, path: string): M {
  if (message === undefined) throw invalidFields([{ field: path, description: "is required" }]);
  return message;
}

const ALLOCATION_TTL_SECONDS = 300;

/** How long an allocation counts as fresh, as `google.protobuf.Duration`. */
export const ALLOCATION_TTL = { seconds: BigInt(ALLOCATION_TTL_SECONDS) };

/** True when an allocation was set longer ago than its time to live. */
export function isStale(updatedAtMs: number, nowMs: number): boolean {
  return nowMs - updatedAtMs > ALLOCATION_TTL_SECONDS * 1000;
}

/** Positions as rows again, for answers that give back a stored request. */
export function* rowsOf(columns: PositionColumns) {
  const { worlds, strategies, symbols, venues, qty, mark } = columns;
  for (let i = 0; i < columns.count; i++) {
    const venue = columns.venue[i] ?? 0;
    yield {
      worldId: nameAt(worlds, columns.world, i),
      strategyId: nameAt(strategies, columns.strategy, i),
      symbol: nameAt(symbols, columns.symbol, i),
      qty: qty[i] ?? 0,
      mark: mark[i] ?? 0,
      ...optionalVenue(venue === 0 ? undefined : venues[venue - 1]),
    };
  }
}

/** Columns are sound: every row has its index and every index its name. */
function nameAt(names: readonly string[], column: Uint32Array, row: number): string {
  return names[column[row] ?? 0] ?? "";
}
