import { venueName } from "./columns.ts";
import { type Ledger, MIXED, UNMARKED } from "./ledger.ts";
import { exceedsWorld, RATIO_TOLERANCE, type Scales, sumOfRatios } from "./scales.ts";
import type { PlannerRules, PlanWarning, PositionColumns, RebalanceInput, WarningCode } from "./types.ts";

function warning(
  code: WarningCode,
  message: string,
  at: Partial<Omit<PlanWarning, "code" | "message">> = {},
): PlanWarning {
  return { code, worldId: "", strategyId: "", symbol: "", venue: undefined, ...at, message };
}

/** Warnings that the ratios and the equity alone call for, whatever the mode. */
export function ratioWarnings(input: RebalanceInput, rules: PlannerRules, worlds: WorldsSeen): PlanWarning[] {
  const found: PlanWarning[] = [];
  if (input.totalEquity === 0) found.push(warning("EQUITY_ZERO", "total_equity is 0"));
  const sum = sumOfRatios(input.worldAfter);
  if (sum > 1 + RATIO_TOLERANCE) {
    found.push(warning("ALLOCATION_SUM_ABOVE_ONE", `the ratios of world_alloc_after sum to ${sum}`));
  }
  for (const worldId of emptyWorlds(input, worlds.named)) {
    const message = `world '${worldId}' has a ratio but no positions: there is nothing to scale`;
    found.push(warning("WORLD_WITHOUT_POSITIONS", message, { worldId }));
  }
  for (const [worldId, ratios] of input.strategyAfter) {
    const after = input.worldAfter.get(worldId) ?? 0;
    const strategies = sumOfRatios(ratios);
    if (!exceedsWorld(strategies, after)) continue;
    const answer = rules === "v2" ? "they are scaled down to it" : "they are used as given";
    const message = `strategy ratios of world '${worldId}' sum to ${strategies}, above its ${after}: ${answer}`;
    found.push(warning("STRATEGY_SUM_EXCEEDS_WORLD", message, { worldId }));
  }
  return found;
}

/** Worlds that have a ratio before or after, and no position. */
function emptyWorlds(input: RebalanceInput, withPositions: ReadonlySet<string>): string[] {
  const named = new Set([...input.worldBefore.keys(), ...input.worldAfter.keys()]);
  const anyRatio = (world: string): boolean =>
    (input.worldBefore.get(world) ?? 0) !== 0 || (input.worldAfter.get(world) ?? 0) !== 0;
  return [...named].filter((world) => !withPositions.has(world) && anyRatio(world));
}

/** Warnings about worlds that hold something and whose ratios are missing. */
export function worldWarnings(input: RebalanceInput, worlds: WorldsSeen): PlanWarning[] {
  return [...worlds.held].flatMap((worldId) => missingRatios(worldId, input));
}

function missingRatios(worldId: string, input: RebalanceInput): PlanWarning[] {
  const after = input.worldAfter.get(worldId);
  if (after === undefined) {
    const message = `world '${worldId}' holds positions and is missing in world_alloc_after: they are closed`;
    return [warning("WORLD_MISSING_IN_AFTER", message, { worldId })];
  }
  const before = input.worldBefore.get(worldId) ?? 0;
  if (before > 0 || after <= 0) return [];
  const message = `world '${worldId}' holds positions without a ratio before: they cannot be scaled and stay as they are`;
  return [warning("WORLD_MISSING_IN_BEFORE", message, { worldId })];
}

/** Warnings about strategies that follow their world although ratios were given for it. */
export function strategyWarnings(scales: Scales): PlanWarning[] {
  return scales.worlds.flatMap(({ worldId, followers }) =>
    followers.map((strategyId) => {
      const message = `strategy '${strategyId}' of world '${worldId}' has no usable ratio: it follows its world`;
      return warning("STRATEGY_FOLLOWS_WORLD", message, { worldId, strategyId });
    }),
  );
}

/** Worlds that have a position, and those of them that have one which is not flat, in order of first appearance. */
export interface WorldsSeen {
  readonly named: ReadonlySet<string>;
  readonly held: ReadonlySet<string>;
}

export function worldsSeen(positions: PositionColumns): WorldsSeen {
  const state = new Uint8Array(positions.worlds.length);
  const order: number[] = [];
  for (let row = 0; row < positions.count; row++) {
    const world = positions.world[row] as number;
    const seen = state[world] as number;
    if (seen === 2) continue;
    if (seen === 0) order.push(world);
    state[world] = positions.qty[row] === 0 ? 1 : 2;
  }
  const name = (world: number): string => positions.worlds[world] as string;
  return {
    named: new Set(order.map(name)),
    held: new Set(order.filter((world) => state[world] === 2).map(name)),
  };
}

/** One warning for each (world, venue, symbol) whose marks differ or are 0. */
export function markWarnings(
  { positions, keys, markFlags, anyFlags }: Ledger,
  rules: PlannerRules,
): PlanWarning[] {
  if (anyFlags === 0) return [];
  const found: PlanWarning[] = [];
  for (let key = 0; key < keys.size; key++) {
    const flags = markFlags[key] as number;
    if (flags === 0) continue;
    const row = keys.firstRow[key] as number;
    const worldId = positions.worlds[positions.world[row] as number] as string;
    const symbol = positions.symbols[positions.symbol[row] as number] as string;
    const at = { worldId, symbol, venue: venueName(positions, positions.venue[row] as number) };
    if ((flags & UNMARKED) !== 0) {
      const message = `positions of world '${worldId}' in '${symbol}' with a mark of 0 are not traded`;
      found.push(warning("ZERO_MARK", message, at));
    }
    if ((flags & MIXED) !== 0) {
      const how = rules === "v2" ? "averaged by |quantity|" : "averaged, each position counting once";
      const message = `world '${worldId}' has different marks for '${symbol}': they are ${how}`;
      found.push(warning("MIXED_MARKS", message, at));
    }
  }
  return found;
}
