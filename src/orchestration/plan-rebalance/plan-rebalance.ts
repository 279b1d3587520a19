import type { JsonObject } from "../../domain/json.ts";
import { planRebalance, validateRebalance } from "../../domain/rebalance/index.ts";
import {
  assertModeSpoken,
  type Gates,
  type Negotiated,
  negotiate,
} from "../../domain/rebalance/negotiation.ts";
import type {
  PlannerRules,
  RebalanceInput,
  RebalanceMode,
  RebalancePlan,
} from "../../domain/rebalance/types.ts";

/** One rebalance as a caller asked for it, whichever package carried it. */
export interface RebalanceCall {
  readonly rules: PlannerRules;
  readonly requestedVersion: number;
  readonly input: RebalanceInput;
  readonly mode: RebalanceMode;
  /** The caller's intent; undefined where none was given. */
  readonly intent: JsonObject | undefined;
  /** Path of the request within the message, for errors: `rebalance`. */
  readonly path: string;
  /** Which field carried the positions, for errors. */
  readonly positionSource: "rows" | "table";
}

/** A plan with what was agreed for it. */
export interface PlannedRebalance {
  readonly negotiated: Negotiated;
  readonly plan: RebalancePlan;
}

/**
 * Agrees on the version and refuses what is malformed, in this order.
 *
 * @throws DomainError SCHEMA_VERSION_UNSUPPORTED, SCHEMA_VERSION_TOO_LOW, MODE_REQUIRES_V2, INVALID_FIELD,
 *   OVERLAY_CONFIG_INVALID.
 */
export function agree(gates: Gates, call: RebalanceCall): Negotiated {
  const negotiated = negotiate(call.rules, call.requestedVersion, gates, `${call.path}.schema_version`);
  assertModeSpoken(call.mode, negotiated);
  validateRebalance(call.input, call.mode, call.rules, call.path, call.positionSource);
  return negotiated;
}

/** Plans and writes nothing. Pure: the same call gives the same plan. Errors as of `agree`. */
export function planRebalanceCall(gates: Gates, call: RebalanceCall): PlannedRebalance {
  const negotiated = agree(gates, call);
  return { negotiated, plan: planRebalance(call.input, call.mode, call.rules) };
}
