import { expect } from "chai";
import { planRebalance, type WorldPlan } from "../../../../src/domain/rebalance/index.ts";
import {
  difference,
  fromDeltas,
  fromWorlds,
  type GoldenContext,
  type GoldenDelta,
  type GoldenPlan,
  goldenPlannerCases,
  onlyDefects,
  toInput,
} from "./golden-cases.ts";

/** Cases whose worlds have different marks for one symbol: the old global figure is an average there. */
const DIFFERENT_MARKS = ["planner-0127", "planner-0334"];
/** Defects whose answers v1 keeps, because its callers rely on them. */
const KEPT_BY_V1 = ["D03", "D04", "D05", "D07", "D08", "D09"];

/** The sum of the worlds' deltas by (venue, symbol), in order of first appearance; too small ones dropped. */
function netOf(worlds: readonly WorldPlan[], minimum: number): GoldenDelta[] {
  const sums = new Map<
    string,
    { symbol: string; venue: string | null; delta_qty: number; notional: number }
  >();
  for (const { deltas } of worlds) {
    for (const { symbol, venue = null, deltaQty, mark } of deltas) {
      const key = JSON.stringify([venue, symbol]);
      const sum = sums.get(key) ?? { symbol, venue, delta_qty: 0, notional: 0 };
      sum.delta_qty += deltaQty;
      sum.notional += deltaQty * mark;
      sums.set(key, sum);
    }
  }
  const kept = [...sums.values()].filter(
    ({ delta_qty, notional }) => !(Math.abs(delta_qty) < 1e-12 || Math.abs(notional) < minimum),
  );
  return kept.map(({ symbol, delta_qty, venue }) => ({ symbol, delta_qty, venue }));
}

/** Whether two worlds size the same (venue, symbol) at different marks. */
function marksDiffer({ positions }: GoldenContext): boolean {
  const marks = new Map<string, Set<unknown>>();
  for (const { venue, symbol, mark } of positions) {
    const key = JSON.stringify([venue, symbol]);
    marks.set(key, (marks.get(key) ?? new Set()).add(mark));
  }
  return [...marks.values()].some((seen) => seen.size > 1);
}

function expectPlan(input: GoldenContext, expected: GoldenPlan, rules: "v1" | "v2", netted: boolean): void {
  const got = planRebalance(toInput(input), { kind: "scaling" }, rules);
  expect(difference(fromWorlds(got.perWorld), expected.per_world)).to.equal(undefined);
  const net = netOf(got.perWorld, Number(input.min_trade_notional ?? 0));
  expect(difference(fromDeltas(got.globalDeltas), net), "sum of worlds").to.equal(undefined);
  if (!netted) expect(difference(fromDeltas(got.globalDeltas), expected.global_deltas)).to.equal(undefined);
}

describe("scaling planner against golden data", () => {
  const cases = goldenPlannerCases();

  it("has all cases", () => {
    expect(cases.length).to.equal(223);
    expect(cases.filter(({ defects }) => defects.length === 0).length).to.equal(86);
  });

  for (const { id, input, expected } of cases.filter(onlyDefects([]))) {
    for (const rules of ["v1", "v2"] as const) {
      it(`gives the answer of ${id} under ${rules}`, () => {
        expectPlan(input, expected.result as GoldenPlan, rules, DIFFERENT_MARKS.includes(id));
      });
    }
  }

  for (const { id, input, expected } of cases.filter(onlyDefects(KEPT_BY_V1))) {
    it(`keeps the answer of ${id} in v1`, () => {
      expectPlan(input, expected.result as GoldenPlan, "v1", marksDiffer(input));
    });
  }
});
