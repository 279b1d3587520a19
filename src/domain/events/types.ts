import type { JsonObject } from "../json.ts";
import type { OverlayDelta, WorldPlan } from "../rebalance/types.ts";
import type { ActivationEntry, Allocation, ApplyStage } from "../state/world-state.ts";

/** What can happen in the book. The names are those of the wire's `EventType`. */
export const EVENT_TYPES = [
  "REBALANCING_PLANNED",
  "ALLOCATION_UPDATED",
  "ACTIVATION_UPDATED",
  "DECISIONS_UPDATED",
  "BINDINGS_UPDATED",
  "POLICY_UPDATED",
  "EXECUTION_STATE_CHANGED",
  "APPLY_STAGE_CHANGED",
  "WORLD_UPDATED",
  "ALPHA_METRICS_RECORDED",
  "ACK_TIMEOUT",
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Performance of worlds and strategies, as plans and events carry it. */
export interface AlphaEnvelope {
  /** World → metric key → value, all finite. */
  readonly perWorld: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Strategy → world → metric key → value. */
  readonly perStrategy: ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<string, number>>>;
  readonly missing: readonly MissingSeries[];
}

/** Names figures that are 0.0 because they are unknown. An empty `metrics` means all of them. */
export interface MissingSeries {
  readonly worldId: string;
  readonly strategyId: string;
  readonly reason: "NO_SERIES" | "TOO_FEW_POINTS" | "NOT_COMPUTABLE";
  readonly metrics: readonly string[];
}

export interface RebalancingPlanned {
  readonly runId: string;
  readonly plan: WorldPlan;
  readonly overlayDeltas: readonly OverlayDelta[];
  /** undefined for a run of schema version 1: readers get empty metrics and no intent. */
  readonly alphaMetrics: AlphaEnvelope | undefined;
  readonly intent: JsonObject | undefined;
}

export interface AllocationUpdated {
  readonly allocation: Allocation;
  readonly previousAllocation: number;
  readonly stateHash: string;
}

export interface ActivationUpdated {
  readonly entry: ActivationEntry;
  readonly runId: string;
  readonly phase: "NONE" | "FREEZE" | "UNFREEZE";
  readonly requiresAck: boolean;
  readonly sequence: number;
  readonly version: number;
  readonly stateHash: string;
}

export interface DecisionsUpdated {
  readonly strategies: readonly string[];
  readonly stateHash: string;
}

export interface BindingsUpdated {
  readonly strategies: readonly string[];
}

export interface ApplyStageChanged {
  readonly runId: string;
  readonly stage: ApplyStage;
  readonly active: readonly string[];
  readonly reason: string;
  readonly stateHash: string;
}

export interface PolicyUpdated {
  readonly version: number;
  readonly body: JsonObject;
  readonly checksum: string;
  readonly createdAtMs: number;
  readonly defaultVersion: number;
  readonly active: readonly string[];
}

export type ExecutionStatus =
  | "NOT_REQUESTED"
  | "PLANNED"
  | "INTENT"
  | "SUBMITTED"
  | "DONE"
  | "FAILED"
  | "IN_DOUBT";

/** How far one leg of an execution has come; the names are those of the wire's `LegState`. */
export type LegState =
  | "PLANNED"
  | "INTENT"
  | "SUBMITTED"
  | "PARTIALLY_FILLED"
  | "FILLED"
  | "REJECTED"
  | "CANCELLED"
  | "IN_DOUBT";

/** An order as events carry it. */
export interface OrderFacts {
  readonly clientOrderId: string;
  readonly worldId: string;
  readonly strategyId: string;
  readonly symbol: string;
  /** No venue and the empty venue are different. */
  readonly venue: string | undefined;
  readonly side: "BUY" | "SELL";
  /** Units of the symbol, above 0. */
  readonly quantity: number;
  readonly timeInForce: "GTC" | "IOC" | "FOK" | "DAY";
  readonly reduceOnly: boolean;
  readonly hedgeMode: string | undefined;
}

/** What was executed of an order in one go: units, price in base currency. */
export interface FillFacts {
  readonly quantity: number;
  readonly price: number;
  readonly filledAtMs: number;
}

/** One order of an execution and what became of it. */
export interface LegFacts {
  readonly order: OrderFacts;
  readonly state: LegState;
  /** Oldest first. */
  readonly fills: readonly FillFacts[];
  /** Sum of the fills in units of the symbol. */
  readonly filledQuantity: number;
  readonly message: string;
  /** How many times the order was sent. */
  readonly attempts: number;
  readonly updatedAtMs: number;
}

export interface ExecutionStateChanged {
  readonly runId: string;
  readonly status: ExecutionStatus;
  /** The legs of the event's world, in the order of submission. */
  readonly legs: readonly LegFacts[];
}

/** A world of the registry as events carry it. */
export interface WorldFacts {
  readonly worldId: string;
  readonly name: string;
  readonly description: string;
  readonly owner: string;
  readonly labels: readonly string[];
  readonly state: "ACTIVE" | "SUSPENDED" | "DELETED";
  readonly allowLive: boolean;
  readonly circuitBreaker: boolean;
  readonly executionDomain: "BACKTEST" | "DRYRUN" | "LIVE" | "SHADOW";
  readonly ackRoster: readonly string[];
  /** 0 = none yet. */
  readonly defaultPolicyVersion: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly etag: string;
}

export interface WorldUpdated {
  readonly world: WorldFacts;
}

export interface AlphaMetricsRecorded {
  readonly alphaMetrics: AlphaEnvelope;
}

export interface AckTimeout {
  readonly runId: string;
  readonly sequence: number;
  readonly missing: readonly string[];
}

/** Payload by type. */
export interface EventPayloads {
  readonly REBALANCING_PLANNED: RebalancingPlanned;
  readonly ALLOCATION_UPDATED: AllocationUpdated;
  readonly ACTIVATION_UPDATED: ActivationUpdated;
  readonly DECISIONS_UPDATED: DecisionsUpdated;
  readonly BINDINGS_UPDATED: BindingsUpdated;
  readonly POLICY_UPDATED: PolicyUpdated;
  readonly EXECUTION_STATE_CHANGED: ExecutionStateChanged;
  readonly APPLY_STAGE_CHANGED: ApplyStageChanged;
  readonly WORLD_UPDATED: WorldUpdated;
  readonly ALPHA_METRICS_RECORDED: AlphaMetricsRecorded;
  readonly ACK_TIMEOUT: AckTimeout;
}

/** One event of one of the types `K`, as `DomainEvent`. */
export type DomainEventOf<K extends EventType> = {
  [T in K]: {
    readonly type: T;
    readonly worldId: string;
    readonly timeMs: number;
    readonly correlationId: string;
    /** Equal for equal events only. */
    readonly idempotencyKey: string;
    /** Negotiated for the run that caused it; 1 where no run did. */
    readonly schemaVersion: 1 | 2;
    readonly payload: EventPayloads[T];
  };
}[K];

/** One event as it is stored (`toStored`), without what only the commit knows: revision and world sequence. */
export type DomainEvent = DomainEventOf<EventType>;
