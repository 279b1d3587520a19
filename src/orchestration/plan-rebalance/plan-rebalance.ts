import type { JsonObject } from "../../domain/json.ts";
import { planChecked } from "../../domain/rebalance/index.ts";
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
 * Agrees on the version, refuses what is malformed, and plans. Pure: the same call gives the same plan.
 *
 * @throws DomainError SCHEMA_VERSION_UNSUPPORTED, SCHEMA_VERSION_TOO_LOW, MODE_REQUIRES_V2, INVALID_FIELD,
 *   OVERLAY_CONFIG_INVALID, in this order.
 */
export function planRebalanceCall(gates: Gates, call: RebalanceCall): PlannedRebalance {
  const negotiated = negotiate(call.rules, call.requestedVersion, gates, `${call.path}.schema_version`);
  assertModeSpoken(call.mode, negotiated);
  const plan = planChecked(call.input, call.mode, call.rules, call.path, call.positionSource);
  return { negotiated, plan };
}
