import type { TimeInForce } from "./types.ts";

/** What a venue understands. */
export interface VenuePolicy {
  readonly supportsReduceOnly: boolean;
  /** Reduce-only orders must be IOC there. */
  readonly reduceOnlyRequiresIoc: boolean;
  /** undefined = what the caller of the shaping gives. */
  readonly defaultTimeInForce: TimeInForce | undefined;
}

/** Venue name (as written, or in lower case) → policy; `*` is for all others. */
export type VenuePolicies = ReadonlyMap<string, VenuePolicy>;

/** The policy of a venue: by its exact name, by its name in lower case, then the one for all others. */
export function policyOf(policies: VenuePolicies, venue: string | undefined): VenuePolicy | undefined {
  const name = venue ?? "";
  return policies.get(name) ?? policies.get(name.toLowerCase()) ?? policies.get("*");
}

/** How an order that may be flagged reduce-only (`reduces`) is sent to a venue. */
export function handlingAt(
  policy: VenuePolicy | undefined,
  reduces: boolean,
  timeInForce: TimeInForce,
): { readonly reduceOnly: boolean; readonly timeInForce: TimeInForce } {
  const reduceOnly = reduces && (policy?.supportsReduceOnly ?? true);
  if (reduceOnly && policy?.reduceOnlyRequiresIoc) return { reduceOnly, timeInForce: "IOC" };
  return { reduceOnly, timeInForce: policy?.defaultTimeInForce ?? timeInForce };
}
