import type { SeriesInput } from "../../domain/alpha/parse-series.ts";
import type { AlphaSeries } from "../../domain/alpha/series.ts";
import type { AlphaEnvelope } from "../../domain/events/types.ts";
import type { JsonObject } from "../../domain/json.ts";
import type { InstrumentConstraint } from "../../domain/orders/constraints.ts";
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
import type { AlphaSource } from "../alpha-metrics/alpha-source.ts";
import { figuresOfPlan, seriesOfPlan } from "../alpha-metrics/plan-figures.ts";

/** One rebalance as a caller asked for it, whichever package carried it. */
export interface RebalanceCall {
  readonly rules: PlannerRules;
  readonly requestedVersion: number;
  readonly input: RebalanceInput;
  readonly mode: RebalanceMode;
  /** The caller's intent; undefined where none was given. */
  readonly intent: JsonObject | undefined;
  /** Series that came with the request, not looked at yet; they win over stored ones. */
  readonly alphaSeries: readonly SeriesInput[];
  /** Rules of instruments for orders: plans do not read them. */
  readonly constraints: readonly InstrumentConstraint[];
  /** Path of the request within the message, for errors: `rebalance`. */
  readonly path: string;
  /** Which field carried the positions, for errors. */
  readonly positionSource: "rows" | "table";
}

/** A plan with what was agreed for it. */
export interface PlannedRebalance {
  readonly negotiated: Negotiated;
  readonly plan: RebalancePlan;
  /** The series of the request, checked; empty in schema version 1. */
  readonly series: readonly AlphaSeries[];
}

/**
 * Agrees on the version, refuses what is malformed, and plans. Pure: the same call gives the same plan, without the
 * alpha figures.
 *
 * @throws DomainError SCHEMA_VERSION_UNSUPPORTED, SCHEMA_VERSION_TOO_LOW, MODE_REQUIRES_V2, INVALID_FIELD,
 *   OVERLAY_CONFIG_INVALID, in this order.
 */
export function planRebalanceCall(gates: Gates, call: RebalanceCall): PlannedRebalance {
  const negotiated = negotiate(call.rules, call.requestedVersion, gates, `${call.path}.schema_version`);
  assertModeSpoken(call.mode, negotiated);
  const plan = planChecked(call.input, call.mode, call.rules, call.path, call.positionSource);
  return { negotiated, plan, series: seriesOfPlan(negotiated, call.alphaSeries, call.path) };
}

/** A plan with the figures of its worlds and strategies; undefined in schema version 1. */
export interface PlanWithFigures extends PlannedRebalance {
  readonly alphaMetrics: AlphaEnvelope | undefined;
}

/**
 * Plans, and reads what is stored of the series. Writes nothing; only the figures depend on the store.
 *
 * @throws DomainError those of `planRebalanceCall`, STORE_UNAVAILABLE.
 */
export async function planWithFigures(
  { gates, alpha }: { readonly gates: Gates; readonly alpha: AlphaSource },
  call: RebalanceCall,
): Promise<PlanWithFigures> {
  const planned = planRebalanceCall(gates, call);
  const { input, mode } = call;
  return { ...planned, alphaMetrics: await figuresOfPlan(alpha, { ...planned, input, mode }) };
}
