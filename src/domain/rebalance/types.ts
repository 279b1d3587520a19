/** What the planner noticed and did not refuse. One name per thing; the protos carry the same names. */
export const WARNING_CODES = [
  "WORLD_MISSING_IN_AFTER",
  "STRATEGY_FOLLOWS_WORLD",
  "WORLD_WITHOUT_POSITIONS",
  "ZERO_MARK",
  "STRATEGY_SUM_EXCEEDS_WORLD",
  "MIXED_MARKS",
  "ALLOCATION_SUM_ABOVE_ONE",
  "EQUITY_ZERO",
  "OVERLAY_POSITION_EXCLUDED",
  "WORLD_MISSING_IN_BEFORE",
] as const;
export type WarningCode = (typeof WARNING_CODES)[number];

/** Why a change that was wanted is not in the plan. */
export const SKIP_REASONS = [
  "BELOW_MIN_NOTIONAL",
  "BELOW_LOT",
  "NO_MARK",
  "NO_STRATEGY",
  "OVERLAY_BELOW_MIN_NOTIONAL",
  "ZERO_NOTIONAL",
  "UNCHANGED_ALLOCATION",
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** Which package asks: decides validation, marks, caps and explanation. */
export type PlannerRules = "v1" | "v2";

/**
 * Positions as columns: ids are indexes into the dictionaries, one entry per row in every array.
 * A dictionary names each id once. Marks are prices in base currency, quantities are signed (negative = short).
 */
export interface PositionColumns {
  readonly count: number;
  readonly worlds: readonly string[];
  readonly strategies: readonly string[];
  readonly symbols: readonly string[];
  /** Index 0 of `venue` = no venue, n = venues[n-1]; the empty venue is a name of its own. */
  readonly venues: readonly string[];
  readonly world: Uint32Array;
  readonly strategy: Uint32Array;
  readonly symbol: Uint32Array;
  readonly venue: Uint32Array;
  readonly qty: Float64Array;
  readonly mark: Float64Array;
}

/** One position as a row; `columnsFromRows` makes columns of them. */
export interface PositionRow {
  readonly worldId: string;
  readonly strategyId: string;
  readonly symbol: string;
  readonly venue: string | undefined;
  readonly qty: number;
  readonly mark: number;
}

/** Ratios by name, each a share of the book's total equity, 0..1. */
export type Ratios = ReadonlyMap<string, number>;
/** World to strategy to ratio. A world that is absent here lets its strategies follow it. */
export type StrategyRatios = ReadonlyMap<string, Ratios>;

/**
 * Everything a plan depends on. Maps are read in their own order: whoever decodes them from a wire without
 * order sorts them first (by the UTF-8 bytes of the key).
 */
export interface RebalanceInput {
  /** Base currency, at least 0. Only used to infer what share of the book a strategy holds. */
  readonly totalEquity: number;
  readonly worldBefore: Ratios;
  readonly worldAfter: Ratios;
  readonly strategyBefore: StrategyRatios;
  readonly strategyAfter: StrategyRatios;
  readonly positions: PositionColumns;
  /** Base currency: a change smaller than this is not traded; 0 = trade everything. */
  readonly minTradeNotional: number;
  /** Smallest tradable step of a symbol, in units of it; a symbol that is absent, or 0, trades in any amount. */
  readonly lotBySymbol: ReadonlyMap<string, number>;
}

/** Which instrument stands in for a world, and at what price. */
export interface OverlayConfig {
  readonly instrumentByWorld: ReadonlyMap<string, string>;
  readonly priceBySymbol: ReadonlyMap<string, number>;
  /** Base currency; 0 = trade everything. */
  readonly minOrderNotional: number;
}

/**
 * scaling: every position moves in proportion. overlay: one instrument per world takes the whole change.
 * hybrid: positions take `scalingFraction` (0..1) of each change, the overlay instrument the rest.
 */
export type RebalanceMode =
  | { readonly kind: "scaling" }
  | { readonly kind: "overlay"; readonly overlay: OverlayConfig | undefined }
  | {
      readonly kind: "hybrid";
      readonly overlay: OverlayConfig | undefined;
      readonly scalingFraction: number;
    };

/** A change of one (venue, symbol). */
export interface SymbolDelta {
  readonly symbol: string;
  readonly venue: string | undefined;
  /** Units of the symbol, signed (positive = buy), in whole lots where a lot is known. */
  readonly deltaQty: number;
  /** Price the change was sized with, base currency. */
  readonly mark: number;
  /** deltaQty * mark; of a global delta, the sum over its worlds. */
  readonly notional: number;
  /** Units that were wanted and lost to the lot, with the sign of the wanted change. */
  readonly residualQty: number;
}

export interface WorldPlan {
  readonly worldId: string;
  /** after / before of the world; 0 = close everything, 1 = leave as it is. */
  readonly scaleWorld: number;
  readonly scaleByStrategy: ReadonlyMap<string, number>;
  readonly deltas: readonly SymbolDelta[];
}

export interface OverlayDelta {
  readonly worldId: string;
  readonly symbol: string;
  readonly deltaQty: number;
  readonly price: number;
}

/** `worldId`, `strategyId` and `symbol` are empty where the warning is about something larger. */
export interface PlanWarning {
  readonly code: WarningCode;
  readonly worldId: string;
  readonly strategyId: string;
  readonly symbol: string;
  readonly venue: string | undefined;
  readonly message: string;
}

/** A change that was wanted and dropped. An empty `worldId` means the global delta. */
export interface SkippedDelta {
  readonly reason: SkipReason;
  readonly worldId: string;
  readonly strategyId: string;
  readonly symbol: string;
  readonly venue: string | undefined;
  readonly deltaQty: number;
  readonly notional: number;
}

export interface RebalancePlan {
  /** In order of the worlds' first position. */
  readonly perWorld: readonly WorldPlan[];
  readonly globalDeltas: readonly SymbolDelta[];
  /** In order of `worldAfter`. */
  readonly overlayDeltas: readonly OverlayDelta[];
  readonly warnings: readonly PlanWarning[];
  readonly skipped: readonly SkippedDelta[];
}

/** A world's change charged to one of its strategies, in whole lots where the world's change is. */
export interface StrategyDelta {
  readonly worldId: string;
  readonly strategyId: string;
  readonly symbol: string;
  readonly venue: string | undefined;
  readonly deltaQty: number;
}

/** Counts elementary steps (rows visited, hash slots probed, keys visited), to show that cost grows linearly. */
export interface OperationCounter {
  operations: number;
}
