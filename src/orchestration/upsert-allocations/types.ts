import type { SeriesInput } from "../../domain/alpha/parse-series.ts";
import type { AlphaSeries } from "../../domain/alpha/series.ts";
import type { AlphaEnvelope } from "../../domain/events/types.ts";
import type { JsonObject } from "../../domain/json.ts";
import type { InstrumentConstraint } from "../../domain/orders/constraints.ts";
import type { Negotiated } from "../../domain/rebalance/negotiation.ts";
import type {
  PlannerRules,
  PositionColumns,
  Ratios,
  RebalanceInput,
  RebalanceMode,
  StrategyRatios,
} from "../../domain/rebalance/types.ts";
import type { AllocationRun } from "../../domain/runs/types.ts";
import type { WorldState } from "../../domain/state/world-state.ts";
import type { Lease } from "../../ports/lock-manager.ts";
import type { DocExpectation, ReadResult } from "../../ports/store.ts";

/** One UpsertAllocations call, whichever package carried it. */
export interface AllocationCall {
  readonly rules: PlannerRules;
  readonly requestedVersion: number;
  readonly runId: string;
  /** Base currency. */
  readonly totalEquity: number;
  /** Shares wanted, 0..1; worlds that are not named keep theirs. */
  readonly worldAllocations: Ratios;
  readonly positions: PositionColumns;
  readonly positionSource: "rows" | "table";
  readonly strategyBefore: StrategyRatios;
  readonly strategyAfter: StrategyRatios;
  readonly minTradeNotional: number;
  readonly lotBySymbol: ReadonlyMap<string, number>;
  readonly execute: boolean;
  /** World → etag the caller saw; empty = no allocation yet. */
  readonly etagByWorld: ReadonlyMap<string, string>;
  readonly mode: RebalanceMode;
  readonly intent: JsonObject | undefined;
  /** Rules of instruments for orders; none in v1. */
  readonly constraints: readonly InstrumentConstraint[];
  /** Series that came with the request, not looked at yet; they win over stored ones. */
  readonly alphaSeries: readonly SeriesInput[];
}

/** What the plan starts from, read under the locks. */
export interface AllocationContext {
  /** The run, when it had been saved before. */
  readonly earlier: AllocationRun | undefined;
  /** State of each world under lock. */
  readonly states: ReadonlyMap<string, WorldState>;
  /** Version of the allocation document of each world under lock, 0 = none. */
  readonly versions: ReadonlyMap<string, number>;
  /** What else the commit must find as it was read: switches and freezes. */
  readonly unchanged: readonly DocExpectation[];
  /** Sum of the whole book's shares before, in budget units. */
  readonly budgetTotal: number;
  /** The planner's input: the request, filled up with what was read. */
  readonly input: RebalanceInput;
  /** Figures of the worlds and strategies concerned; undefined in schema version 1 and for an earlier run. */
  readonly alphaMetrics: AlphaEnvelope | undefined;
}

/**
 * The one value that travels through the stages. Each stage takes one and gives another with its part filled in; none
 * is ever changed.
 */
export interface AllocationExecutionPlan {
  readonly call: AllocationCall;
  readonly negotiated: Negotiated;
  /** Worlds whose share is set. This list and the next two are sorted and without repeats. */
  readonly worldIds: readonly string[];
  /** Those and the worlds that only hold positions: v1 plans them too, so they must accept changes. */
  readonly plannedIds: readonly string[];
  /** Those and the worlds that only an etag was given for. */
  readonly lockedIds: readonly string[];
  readonly etag: string;
  readonly fingerprint: string;
  /** The series of the request, checked; empty in schema version 1. */
  readonly series: readonly AlphaSeries[];
  /** From stage acquire. */
  readonly lease?: Lease;
  readonly read?: ReadResult;
  /** From stage context. */
  readonly context?: AllocationContext;
  /** From stage compute_and_save. */
  readonly run?: AllocationRun;
  readonly replayed: boolean;
}
