/** What must be true of every plan, computed here again from the request, without the server's code. */
import type {
  RebalancePlan as PlanV2,
  RebalanceRequest as RequestV2,
} from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { fact } from "./facts.ts";
import { type AnyPlan, type AnyRequest, exposureOf, hasSixMetrics, measuredOf } from "./plans.ts";
import { holdingsOf } from "./portfolios.ts";

/** Doubles that were computed along different ways may differ by this share of their size. */
const TOLERANCE = 1e-9;

function isClose(a: number, b: number, scale = Math.max(Math.abs(a), Math.abs(b))): boolean {
  return Math.abs(a - b) <= TOLERANCE * Math.max(scale, 1);
}

function nameOf(delta: { symbol: string; venue?: string | undefined }): string {
  return JSON.stringify([delta.venue ?? null, delta.symbol]);
}

/** Facts of scaling and hybrid plans: whole lots, and worlds that net to the global deltas. */
export function checkDeltas(request: AnyRequest, plan: AnyPlan): void {
  const byWorld: { symbol: string; venue?: string; deltaQty: number }[] = Object.values(
    plan.perWorld,
  ).flatMap(({ deltas }) => deltas);
  const isWhole = ({ symbol, deltaQty }: { symbol: string; deltaQty: number }) => {
    const lots = deltaQty / (request.lotSizeBySymbol[symbol] ?? deltaQty);
    return lots !== 0 && isClose(lots, Math.round(lots));
  };
  fact(
    `all ${byWorld.length} deltas are whole lots`,
    byWorld.every(isWhole),
    byWorld.filter((d) => !isWhole(d)),
  );
  const sums = new Map<string, number>();
  for (const delta of byWorld) sums.set(nameOf(delta), (sums.get(nameOf(delta)) ?? 0) + delta.deltaQty);
  const netted = new Map(plan.globalDeltas.map((delta) => [nameOf(delta), delta.deltaQty]));
  const marks = new Map(holdingsOf(request).map((holding) => [nameOf(holding), holding.mark]));
  const wrong = [...sums].filter(([key, sum]) => {
    const net = netted.get(key);
    // A net change below the minimum is not traded.
    const tolerated = Math.abs(sum) * (marks.get(key) ?? 0) * 0.99 < Math.max(request.minTradeNotional, 1e-6);
    return net === undefined ? !tolerated : !isClose(net, sum);
  });
  fact("the worlds' deltas add up to the netted ones", wrong.length === 0, wrong);
}

/** Fact of package v2: what a world wants to change is traded, lost to the lot or named as left out; nothing vanishes. */
export function checkNothingVanished(request: RequestV2, plan: PlanV2): void {
  const wrong = Object.values(plan.perWorld).filter(({ worldId, scaleWorld, scaleByStrategy, deltas }) => {
    const held = holdingsOf(request).filter((holding) => holding.worldId === worldId);
    const wanted = held.map(({ strategyId, qty, mark }) => {
      return qty * mark * ((scaleByStrategy[strategyId] ?? scaleWorld) - 1);
    });
    const traded = deltas.map(({ notional, residualQty, mark }) => notional + residualQty * mark);
    const skipped = plan.skipped.filter((each) => each.worldId === worldId).map(({ notional }) => notional);
    const gross = wanted.reduce((sum, each) => sum + Math.abs(each), 0);
    return !isClose(sum(wanted), sum([...traded, ...skipped]), gross);
  });
  fact("traded + lost to lots + left out is what each world wanted to change", wrong.length === 0, wrong);
}

/** Facts of alpha metrics: six finite figures for each pair, and a reason for exactly those without a series. */
export function checkAlphaMetrics(request: RequestV2, plan: PlanV2): void {
  const rows = measuredOf(plan);
  if (request.alphaSeries.length === 0) return;
  fact("alpha metrics are six finite figures each", rows.every(hasSixMetrics), rows);
  const name = (each: { worldId: string; strategyId: string }) =>
    JSON.stringify([each.worldId, each.strategyId]);
  const given = request.alphaSeries.map(name).toSorted();
  const measured = rows
    .filter(({ missing }) => missing === "")
    .map(name)
    .toSorted();
  const same = given.length === measured.length && given.every((each, index) => each === measured[index]);
  fact("exactly the worlds and strategies with a series are measured", same, measured);
}

function sum(figures: readonly number[]): number {
  return figures.reduce((total, each) => total + each, 0);
}

/** How far a world's exposure after the plan is from its target, and how far it may be, in base currency. */
function miss(request: RequestV2, plan: PlanV2, worldId: string, minOrder: number) {
  const before = request.worldAllocBefore[worldId] ?? 0;
  const target = exposureOf(request, worldId) * ((request.worldAllocAfter[worldId] ?? 0) / before);
  const overlay = plan.overlayDeltas.filter((delta) => delta.worldId === worldId);
  const traded = [
    ...(plan.perWorld[worldId]?.deltas ?? []).map(({ notional }) => notional),
    ...overlay.map(({ deltaQty, price }) => deltaQty * price),
  ];
  const lots = overlay.map(({ symbol, price }) => (request.lotSizeBySymbol[symbol] ?? 0) * price);
  const off = Math.abs(exposureOf(request, worldId) + sum(traded) - target);
  return { worldId, off, allowed: Math.max(minOrder, ...lots) };
}

/** Facts of overlay plans: only the overlay trades, and it takes the whole change of every world. */
export function checkOverlay(request: RequestV2, plan: PlanV2): void {
  const untouched = Object.keys(plan.perWorld).length + plan.globalDeltas.length === 0;
  fact("an overlay leaves every position as it is", untouched);
  checkOnTarget(request, plan, request.mode.case === "overlay" ? request.mode.value.minOrderNotional : 0);
}

/** Facts of hybrid plans: the positions trade their part, the overlay instruments the rest. */
export function checkHybrid(request: RequestV2, plan: PlanV2): void {
  checkDeltas(request, plan);
  checkOnTarget(
    request,
    plan,
    request.mode.case === "hybrid" ? (request.mode.value.overlay?.minOrderNotional ?? 0) : 0,
  );
}

function checkOnTarget(request: RequestV2, plan: PlanV2, minOrder: number): void {
  const misses = Object.keys(request.worldAllocAfter).map((world) => miss(request, plan, world, minOrder));
  const wide = misses.filter(({ off, allowed }) => off > allowed * (1 + TOLERANCE));
  fact("every world lands within one overlay lot or minimum order of its target", wide.length === 0, wide);
}
