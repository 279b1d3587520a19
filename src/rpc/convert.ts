import { invalidFields } from "../domain/errors.ts";
import type { Ratios, StrategyRatios } from "../domain/rebalance/types.ts";
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
