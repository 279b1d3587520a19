import { overlayDesk, planOverlay, withoutOverlayPositions } from "./overlay.ts";
import { type OverlayInstrument, overlayInstruments } from "./overlay-config.ts";
import { planScaling, type ScalingResult } from "./scaling.ts";
import type {
  OperationCounter,
  OverlayConfig,
  PlannerRules,
  PlanWarning,
  RebalanceInput,
  RebalanceMode,
  RebalancePlan,
} from "./types.ts";
import { markWarnings, ratioWarnings, strategyWarnings, worldsSeen, worldWarnings } from "./warnings.ts";

type OverlayMode = Exclude<RebalanceMode, { kind: "scaling" }>;

/**
 * Plans a rebalance: pure, in time linear in positions and ratios, plain left-to-right double arithmetic.
 * It computes with what it is given and refuses nothing but an unusable overlay configuration:
 * `validateRebalance` comes first wherever input is not known to be good.
 *
 * @param counter counts elementary steps where given.
 * @throws DomainError OVERLAY_CONFIG_INVALID
 */
export function planRebalance(
  input: RebalanceInput,
  mode: RebalanceMode,
  rules: PlannerRules,
  counter?: OperationCounter,
): RebalancePlan {
  if (counter !== undefined) counter.operations += input.positions.count;
  const warnings = inputWarnings(input, rules);
  if (mode.kind === "scaling") {
    const result = planScaling(input, rules, 1, counter);
    return { ...tradedPart(result, rules, warnings), overlayDeltas: [] };
  }
  return planWithOverlay(input, mode, rules, warnings, counter);
}

function planWithOverlay(
  input: RebalanceInput,
  mode: OverlayMode,
  rules: PlannerRules,
  warnings: readonly PlanWarning[],
  counter: OperationCounter | undefined,
): RebalancePlan {
  const path = mode.kind === "hybrid" ? "hybrid.overlay" : "overlay";
  const instruments = overlayInstruments(mode.overlay, input.worldAfter, mode.kind, path);
  const own = withoutOverlayPositions(input.positions, instruments);
  if (counter !== undefined) counter.operations += 2 * input.positions.count;
  const underlying = { ...input, positions: own.positions };
  const noted = [...warnings, ...own.warnings];
  const { minOrderNotional } = mode.overlay as OverlayConfig;
  if (mode.kind === "hybrid") {
    const result = planScaling(underlying, rules, mode.scalingFraction, counter);
    return withRests(tradedPart(result, rules, noted), result, underlying, instruments, minOrderNotional);
  }
  const { deltas, skipped } = planOverlay(underlying, instruments, minOrderNotional);
  return { perWorld: [], globalDeltas: [], overlayDeltas: deltas, warnings: noted, skipped };
}

function inputWarnings(input: RebalanceInput, rules: PlannerRules): PlanWarning[] {
  const worlds = worldsSeen(input.positions);
  return [...ratioWarnings(input, rules, worlds), ...worldWarnings(input, worlds)];
}

function tradedPart(
  { perWorld, globalDeltas, skipped, scales, ledger }: ScalingResult,
  rules: PlannerRules,
  warnings: readonly PlanWarning[],
): Omit<RebalancePlan, "overlayDeltas"> {
  const all = [...warnings, ...strategyWarnings(scales), ...markWarnings(ledger, rules)];
  return { perWorld, globalDeltas, warnings: all, skipped };
}

/** A rest below this share of the changes it is left from is what rounding in doubles leaves. */
const REST_NOISE = 1e-9;

/** Hybrid: the overlay instrument takes what the positions' own deltas leave of each world's wanted change. */
function withRests(
  traded: Omit<RebalancePlan, "overlayDeltas">,
  { perWorld, wanted, wantedGross }: ScalingResult,
  { worldAfter, lotBySymbol }: RebalanceInput,
  instruments: ReadonlyMap<string, OverlayInstrument>,
  minOrderNotional: number,
): RebalancePlan {
  const desk = overlayDesk(instruments, minOrderNotional, lotBySymbol);
  const orderOf = new Map(perWorld.map((plan, order) => [plan.worldId, order]));
  for (const worldId of worldAfter.keys()) {
    const order = orderOf.get(worldId);
    if (order === undefined) continue;
    let rest = wanted[order] as number;
    for (const delta of perWorld[order]?.deltas ?? []) rest -= delta.notional;
    const gross = wantedGross[order] as number;
    if (Math.abs(rest) > REST_NOISE * gross) desk.take(worldId, rest);
  }
  return { ...traded, overlayDeltas: desk.deltas, skipped: [...traded.skipped, ...desk.skipped] };
}
