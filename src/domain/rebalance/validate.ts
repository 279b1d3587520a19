import { DomainError } from "../errors.ts";
import { overlayInstruments } from "./overlay-config.ts";
import { planRebalance } from "./plan.ts";
import type {
  PlannerRules,
  Ratios,
  RebalanceInput,
  RebalanceMode,
  RebalancePlan,
  StrategyRatios,
} from "./types.ts";
import {
  collectViolations,
  idProblem,
  isAmount,
  isRatio,
  joinPath,
  keyed,
  type Violations,
} from "./validate-fields.ts";
import { checkHoldings, checkPositions, type PositionSource } from "./validate-positions.ts";

/**
 * Refuses input that cannot be planned: numbers that are not finite, negative amounts, ratios outside 0..1,
 * unusable ids and indexes; under v2 also a mark of 0 and holdings whose world or strategy has no ratio.
 *
 * @param prefix proto path of the request (`rebalance`); empty for fields at the top.
 * @param positionSource whether positions came as rows or as a table: it decides their paths.
 * @param worldAfterField name of the field that carries `worldAfter`.
 * @throws DomainError INVALID_FIELD with the violations (the first 20, metadata `violations` counts all), or
 *   OVERLAY_CONFIG_INVALID.
 */
export function validateRebalance(
  input: RebalanceInput,
  mode: RebalanceMode,
  rules: PlannerRules,
  prefix: string,
  positionSource: PositionSource = "rows",
  worldAfterField = "world_alloc_after",
): void {
  const found = collectViolations();
  const path = (name: string): string => joinPath(prefix, name);
  checkAmount(found, path("total_equity"), input.totalEquity);
  checkAmount(found, path("min_trade_notional"), input.minTradeNotional);
  checkRatios(found, path("world_alloc_before"), input.worldBefore);
  checkRatios(found, path(worldAfterField), input.worldAfter);
  checkStrategies(found, path("strategy_alloc_before_total"), input.strategyBefore);
  checkStrategies(found, path("strategy_alloc_after_total"), input.strategyAfter);
  checkLots(found, path("lot_size_by_symbol"), input.lotBySymbol);
  checkMode(found, mode, prefix);
  const sound = checkPositions(found, input.positions, rules, prefix, positionSource);
  if (sound && rules === "v2") checkHoldings(found, input, path, worldAfterField);
  if (found.total > 0) throw refusal(found);
  if (mode.kind !== "scaling")
    overlayInstruments(mode.overlay, input.worldAfter, mode.kind, overlayPath(mode, prefix));
}

function refusal(found: Violations): DomainError {
  const text = found.listed.map(({ field, description }) => `${field}: ${description}`).join("; ");
  const hidden = found.total - found.listed.length;
  const message = hidden > 0 ? `${text}; and ${hidden} more` : text;
  return new DomainError("INVALID_FIELD", message, {
    violations: found.listed,
    metadata: { violations: String(found.total) },
  });
}

function checkAmount(found: Violations, field: string, value: number): void {
  if (!isAmount(value)) found.add(field, `must be finite and at least 0, is ${value}`);
}

function checkRatios(found: Violations, field: string, ratios: Ratios): void {
  for (const [key, ratio] of ratios) {
    checkKey(found, field, key);
    if (!isRatio(ratio)) found.add(keyed(field, key), `must be between 0 and 1, is ${ratio}`);
  }
}

function checkStrategies(found: Violations, field: string, byWorld: StrategyRatios): void {
  for (const [world, ratios] of byWorld) {
    checkKey(found, field, world);
    checkRatios(found, `${keyed(field, world)}.ratios`, ratios);
  }
}

function checkLots(found: Violations, field: string, lots: ReadonlyMap<string, number>): void {
  for (const [symbol, lot] of lots) {
    checkKey(found, field, symbol);
    if (!(lot > 0 && lot < Infinity))
      found.add(keyed(field, symbol), `must be finite and above 0, is ${lot}`);
  }
}

function checkKey(found: Violations, field: string, key: string): void {
  const problem = idProblem(key);
  if (problem !== undefined) found.add(keyed(field, key), `key ${problem}`);
}

function overlayPath(mode: RebalanceMode, prefix: string): string {
  return joinPath(prefix, mode.kind === "hybrid" ? "hybrid.overlay" : "overlay");
}

function checkMode(found: Violations, mode: RebalanceMode, prefix: string): void {
  if (mode.kind === "scaling") return;
  if (mode.kind === "hybrid" && !isRatio(mode.scalingFraction)) {
    const field = joinPath(prefix, "hybrid.scaling_fraction");
    found.add(field, `must be between 0 and 1, is ${mode.scalingFraction}`);
  }
  if (mode.overlay === undefined) return;
  const path = overlayPath(mode, prefix);
  checkAmount(found, `${path}.min_order_notional`, mode.overlay.minOrderNotional);
  for (const [world, symbol] of mode.overlay.instrumentByWorld) {
    checkKey(found, `${path}.instrument_by_world`, world);
    const problem = symbol === "" ? undefined : idProblem(symbol);
    if (problem !== undefined) found.add(keyed(`${path}.instrument_by_world`, world), problem);
  }
  for (const symbol of mode.overlay.priceBySymbol.keys()) checkKey(found, `${path}.price_by_symbol`, symbol);
}

/**
 * Validates, plans, and makes sure that every figure of the plan is finite: input may be sound in every field
 * and still overflow in a product of several.
 *
 * @throws DomainError as `validateRebalance`, and INVALID_FIELD on the positions when a figure overflows.
 */
export function planChecked(
  input: RebalanceInput,
  mode: RebalanceMode,
  rules: PlannerRules,
  prefix: string,
  positionSource: PositionSource = "rows",
  worldAfterField = "world_alloc_after",
): RebalancePlan {
  validateRebalance(input, mode, rules, prefix, positionSource, worldAfterField);
  const plan = planRebalance(input, mode, rules);
  assertFinite(plan, joinPath(prefix, positionSource === "rows" ? "positions" : "position_table"));
  return plan;
}

/**
 * Makes sure that every figure of a plan is finite.
 *
 * @param field path of the positions, for the error.
 * @throws DomainError INVALID_FIELD.
 */
export function assertFinite(plan: RebalancePlan, field: string): void {
  const culprit = firstOverflow(plan);
  if (culprit === undefined) return;
  const description = `figures of ${culprit} are too large or too small to compute with`;
  throw new DomainError("INVALID_FIELD", `${field}: ${description}`, {
    violations: [{ field, description }],
  });
}

/** Names what has a figure that is not finite. */
function firstOverflow({
  perWorld,
  globalDeltas,
  overlayDeltas,
  skipped,
}: RebalancePlan): string | undefined {
  for (const { worldId, scaleWorld, scaleByStrategy, deltas } of perWorld) {
    if (!Number.isFinite(scaleWorld)) return `world '${worldId}'`;
    for (const [strategy, scale] of scaleByStrategy) {
      if (!Number.isFinite(scale)) return `strategy '${strategy}' of world '${worldId}'`;
    }
    const delta = deltas.find((each) => !isFiniteDelta(each));
    if (delta !== undefined) return `'${delta.symbol}' in world '${worldId}'`;
  }
  const broken =
    globalDeltas.find((each) => !isFiniteDelta(each)) ??
    overlayDeltas.find(({ deltaQty }) => !Number.isFinite(deltaQty)) ??
    skipped.find((each) => !Number.isFinite(each.deltaQty + each.notional));
  return broken === undefined ? undefined : `'${broken.symbol}'`;
}

function isFiniteDelta(delta: {
  deltaQty: number;
  mark: number;
  notional: number;
  residualQty: number;
}): boolean {
  // A sum is finite only where all of its parts are.
  return Number.isFinite(delta.deltaQty + delta.mark + delta.notional + delta.residualQty);
}
