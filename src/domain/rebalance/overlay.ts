import { selectRows } from "./columns.ts";
import { lotRule, roundByRule } from "./lots.ts";
import { isNoise } from "./noise.ts";
import type { OverlayInstrument } from "./overlay-config.ts";
import { worldScale } from "./scales.ts";
import type {
  OverlayDelta,
  PlanWarning,
  PositionColumns,
  Ratios,
  RebalanceInput,
  SkippedDelta,
  SkipReason,
} from "./types.ts";

/** Overlay deltas in order of the worlds' ratios after, and what was dropped. */
export interface OverlayResult {
  readonly deltas: readonly OverlayDelta[];
  readonly skipped: readonly SkippedDelta[];
}

/** Positions without those held in their world's own overlay instrument, which would feed the overlay with itself. */
export function withoutOverlayPositions(
  positions: PositionColumns,
  instruments: ReadonlyMap<string, OverlayInstrument>,
): { positions: PositionColumns; warnings: PlanWarning[] } {
  const indexOfSymbol = new Map(positions.symbols.map((symbol, index) => [symbol, index]));
  const own = Int32Array.from(positions.worlds, (world) => {
    const instrument = instruments.get(world);
    return instrument === undefined ? -1 : (indexOfSymbol.get(instrument.symbol) ?? -1);
  });
  const excluded = new Set<number>();
  const { world, symbol } = positions;
  for (let row = 0; row < positions.count; row++) {
    if (own[world[row] as number] === symbol[row]) excluded.add(world[row] as number);
  }
  if (excluded.size === 0) return { positions, warnings: [] };
  const warnings = [...excluded].map((index) => excludedWarning(positions, index, own[index] as number));
  const kept = selectRows(positions, (row) => own[world[row] as number] !== symbol[row]);
  return { positions: kept, warnings };
}

function excludedWarning(positions: PositionColumns, world: number, symbol: number): PlanWarning {
  const worldId = positions.worlds[world] as string;
  const name = positions.symbols[symbol] as string;
  return {
    code: "OVERLAY_POSITION_EXCLUDED",
    worldId,
    strategyId: "",
    symbol: name,
    venue: undefined,
    message: `positions of world '${worldId}' in its overlay instrument '${name}' are left out of its notional`,
  };
}

/** Σ qty * mark by world, left to right. */
export function notionalByWorld(positions: PositionColumns): Map<string, number> {
  const sums = new Float64Array(positions.worlds.length);
  for (let row = 0; row < positions.count; row++) {
    const world = positions.world[row] as number;
    sums[world] = (sums[world] as number) + (positions.qty[row] as number) * (positions.mark[row] as number);
  }
  return new Map(positions.worlds.map((world, index) => [world, sums[index] as number]));
}

/**
 * Overlay planner: one instrument per world takes the world's whole change, (scale - 1) * notional.
 *
 * @param input its positions are those without the ones in overlay instruments.
 * @param scaleByWorld scales to use instead of after / before, where given.
 */
export function planOverlay(
  input: Pick<RebalanceInput, "worldBefore" | "worldAfter" | "lotBySymbol" | "positions">,
  instruments: ReadonlyMap<string, OverlayInstrument>,
  minOrderNotional: number,
  scaleByWorld: Ratios = new Map(),
): OverlayResult {
  const desk = overlayDesk(instruments, minOrderNotional, input.lotBySymbol);
  const notionals = notionalByWorld(input.positions);
  for (const [world, after] of input.worldAfter) {
    const notional = notionals.get(world) ?? 0;
    const before = input.worldBefore.get(world) ?? 0;
    if (notional === 0) {
      if (before !== after) desk.skip("ZERO_NOTIONAL", world, 0, 0);
      continue;
    }
    const scale = scaleByWorld.get(world) ?? (before <= 0 ? 1 : worldScale(before, after));
    const change = (scale - 1) * notional;
    if (isNoise(change, Math.abs(notional))) desk.skip("UNCHANGED_ALLOCATION", world, 0, 0);
    else desk.take(world, change);
  }
  return desk;
}

/** Turns what a world still has to change into an overlay delta, or into the reason why there is none. */
export interface OverlayDesk extends OverlayResult {
  /** @param change base currency, not 0. */
  readonly take: (worldId: string, change: number) => void;
  readonly skip: (reason: SkipReason, worldId: string, deltaQty: number, notional: number) => void;
}

export function overlayDesk(
  instruments: ReadonlyMap<string, OverlayInstrument>,
  minOrderNotional: number,
  lotBySymbol: ReadonlyMap<string, number>,
): OverlayDesk {
  const deltas: OverlayDelta[] = [];
  const skipped: SkippedDelta[] = [];
  const skip = (reason: SkipReason, worldId: string, deltaQty: number, notional: number): void => {
    const symbol = instruments.get(worldId)?.symbol ?? "";
    skipped.push({ reason, worldId, strategyId: "", symbol, venue: undefined, deltaQty, notional });
  };
  const take = (worldId: string, change: number): void => {
    const { symbol, price } = instruments.get(worldId) as OverlayInstrument;
    const units = change / price;
    const deltaQty = roundByRule(units, lotRule(lotBySymbol.get(symbol) ?? 0));
    if (Math.abs(change) < minOrderNotional) skip("OVERLAY_BELOW_MIN_NOTIONAL", worldId, units, change);
    else if (deltaQty === 0) skip("BELOW_LOT", worldId, units, change);
    else deltas.push({ worldId, symbol, deltaQty, price });
  };
  return { deltas, skipped, take, skip };
}
