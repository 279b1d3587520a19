import { canonicalJson } from "../canonical-json.ts";
import type { Ratios } from "../rebalance/types.ts";

/** One world's share of the book, as it was last set. */
export interface Allocation {
  readonly worldId: string;
  /** Share of the book's total equity, 0..1. */
  readonly allocation: number;
  readonly runId: string;
  /** Changes with every write. */
  readonly etag: string;
  /** Shares of the book by strategy; undefined when none were given. */
  readonly strategyAllocTotal: Ratios | undefined;
  readonly updatedAtMs: number;
}

export type ActivationSide = "LONG" | "SHORT";
export type EffectiveMode = "VALIDATE" | "COMPUTE_ONLY" | "PAPER" | "LIVE" | "SHADOW";

/** What one side of one strategy may do in a world. */
export interface ActivationEntry {
  readonly worldId: string;
  readonly strategyId: string;
  readonly side: ActivationSide;
  readonly active: boolean;
  /** 0..1. */
  readonly weight: number;
  readonly freeze: boolean;
  readonly drain: boolean;
  readonly effectiveMode: EffectiveMode;
  readonly etag: string;
  readonly runId: string;
  readonly updatedAtMs: number;
}

export type ApplyStage =
  | "REQUESTED"
  | "FREEZING"
  | "FROZEN"
  | "SWITCHED"
  | "UNFREEZING"
  | "COMPLETED"
  | "ROLLING_BACK"
  | "ROLLED_BACK"
  | "STUCK_FROZEN";

/** Everything of a world that its state hash covers. */
export interface WorldState {
  readonly allocation: Allocation | undefined;
  /** Sorted by strategy (UTF-8 bytes), then side. */
  readonly activations: readonly ActivationEntry[];
  readonly decisions: readonly string[];
  readonly applyStage: ApplyStage | undefined;
}

export const EMPTY_WORLD_STATE: WorldState = {
  allocation: undefined,
  activations: [],
  decisions: [],
  applyStage: undefined,
};

/**
 * The text that a world's state hash is taken over: canonical JSON of
 * `{activations, allocation, apply_stage, decisions}`, field names as in the protos, times in milliseconds since 1970,
 * what is absent left out.
 */
export function canonicalWorldState(state: WorldState): string {
  const others = canonicalJson({
    allocation: state.allocation && allocationFields(state.allocation),
    apply_stage: state.applyStage,
  });
  const parts = [
    `"activations":[${state.activations.map(textOfEntry).join(",")}]`,
    ...(others === "{}" ? [] : [others.slice(1, -1)]),
    `"decisions":${textOfDecisions(state.decisions)}`,
  ];
  return `{${parts.join(",")}}`;
}

/**
 * A commit that writes many entries needs the hash after each of them. What did not change keeps its text, so that it
 * is not put together again for every one.
 */
const textOfEntry = remembered((entry: ActivationEntry) => canonicalJson(activationFields(entry)));
const textOfDecisions = remembered((decisions: readonly string[]) => canonicalJson(decisions));

/** @param text for values that never change. */
function remembered<T extends object>(text: (value: T) => string): (value: T) => string {
  const known = new WeakMap<T, string>();
  return (value) => {
    const before = known.get(value);
    if (before !== undefined) return before;
    const made = text(value);
    known.set(value, made);
    return made;
  };
}

function activationFields(entry: ActivationEntry) {
  return {
    strategy_id: entry.strategyId,
    side: entry.side,
    active: entry.active,
    weight: entry.weight,
    freeze: entry.freeze,
    drain: entry.drain,
    effective_mode: entry.effectiveMode,
    etag: entry.etag,
    run_id: entry.runId,
    updated_at_ms: entry.updatedAtMs,
  };
}

function allocationFields(allocation: Allocation) {
  return {
    allocation: allocation.allocation,
    run_id: allocation.runId,
    etag: allocation.etag,
    strategy_alloc_total: allocation.strategyAllocTotal,
    updated_at_ms: allocation.updatedAtMs,
  };
}
