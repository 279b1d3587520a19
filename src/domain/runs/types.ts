import type { AlphaSeries } from "../alpha/series.ts";
import type { AlphaEnvelope, ExecutionStatus } from "../events/types.ts";
import type { JsonObject } from "../json.ts";
import type { InstrumentConstraint } from "../orders/constraints.ts";
import type { Negotiated } from "../rebalance/negotiation.ts";
import type {
  PlannerRules,
  Ratios,
  RebalanceInput,
  RebalanceMode,
  RebalancePlan,
} from "../rebalance/types.ts";

/** The calls that share one namespace of run ids. */
export type RunRpc = "ApplyRebalance" | "ExecuteRebalance" | "UpsertAllocations";

/** What every stored run holds: enough to give its answer again, byte for byte, in either package. */
export interface RunRecord {
  readonly runId: string;
  readonly rpc: RunRpc;
  /** Package that was called. */
  readonly rules: PlannerRules;
  /** `<package>.<rpc>:<etag>`: equal for equal calls only. */
  readonly fingerprint: string;
  /** Hash of the request, etags of worlds aside. */
  readonly etag: string;
  readonly requestedVersion: number;
  readonly negotiated: Negotiated;
  readonly input: RebalanceInput;
  readonly mode: RebalanceMode;
  readonly positionSource: "rows" | "table";
  /** Rules of instruments for the run's orders; none in v1. */
  readonly constraints: readonly InstrumentConstraint[];
  readonly intent: JsonObject | undefined;
  readonly plan: RebalancePlan;
  /** Series that came with the request; empty for schema version 1. */
  readonly alphaSeries: readonly AlphaSeries[];
  /** undefined for schema version 1. */
  readonly alphaMetrics: AlphaEnvelope | undefined;
  readonly executionStatus: ExecutionStatus;
  readonly createdAtMs: number;
}

/** A run of ApplyRebalance. */
export interface AppliedRun extends RunRecord {
  readonly rpc: "ApplyRebalance";
}

/** A run of UpsertAllocations. `input.worldBefore` holds the shares before, for the worlds concerned. */
export interface AllocationRun extends RunRecord {
  readonly rpc: "UpsertAllocations";
  readonly stage: "COMPUTE_AND_SAVE" | "EXECUTE";
  readonly execute: boolean;
  /** Sorted. */
  readonly worldIds: readonly string[];
  /** What the caller gave, before stored shares filled it up. */
  readonly givenStrategyBefore: ReadonlyMap<string, Ratios>;
  readonly etagByWorld: ReadonlyMap<string, string>;
}

/** A run of ExecuteRebalance with `submit` that no ApplyRebalance had fixed before. */
export interface ExecutedRun extends RunRecord {
  readonly rpc: "ExecuteRebalance";
  readonly perStrategy: boolean;
  readonly sharedAccount: boolean;
  readonly allowLive: boolean;
}

export type StoredRunRecord = AppliedRun | AllocationRun | ExecutedRun;
