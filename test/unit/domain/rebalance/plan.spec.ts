import { expect } from "chai";
import {
  columnsFromRows,
  type PlannerRules,
  planRebalance,
  type RebalanceInput,
  type RebalanceMode,
  type RebalancePlan,
} from "../../../../src/domain/rebalance/index.ts";

const row = (worldId: string, strategyId: string, symbol: string, qty: number, mark: number) => ({
  worldId,
  strategyId,
  symbol,
  venue: undefined,
  qty,
  mark,
});

/** World 'w' goes from 0.4 to 0.2. */
function request(more: Partial<RebalanceInput> = {}): RebalanceInput {
  return {
    totalEquity: 1000,
    worldBefore: new Map([["w", 0.4]]),
    worldAfter: new Map([["w", 0.2]]),
    strategyBefore: new Map(),
    strategyAfter: new Map(),
    positions: columnsFromRows([row("w", "s", "X", 4, 100)]),
    minTradeNotional: 0,
    lotBySymbol: new Map(),
    ...more,
  };
}

const scaling = { kind: "scaling" } as const;
const plan = (more: Partial<RebalanceInput> = {}, rules: PlannerRules = "v2"): RebalancePlan =>
  planRebalance(request(more), scaling, rules);
const codes = ({ warnings }: RebalancePlan): string[] => warnings.map(({ code }) => code);

describe("plan of a rebalance", () => {
  it("tells mark, notional and what the lot left of each delta", () => {
    const got = plan({
      positions: columnsFromRows([row("w", "s", "X", 5, 100)]),
      lotBySymbol: new Map([["X", 1]]),
    });
    const delta = {
      symbol: "X",
      venue: undefined,
      deltaQty: -2,
      mark: 100,
      notional: -200,
      residualQty: -0.5,
    };
    expect(got.perWorld.map(({ deltas }) => deltas)).to.deep.equal([[delta]]);
    expect(got.globalDeltas).to.deep.equal([delta]);
  });

  it("lists what it drops with reason and amount", () => {
    const positions = columnsFromRows([
      row("w", "s", "SMALL", 1, 10),
      row("w", "s", "LOT", 1, 1000),
      row("w", "s", "KEPT", 1, 20),
    ]);
    const got = plan({ positions, minTradeNotional: 10, lotBySymbol: new Map([["LOT", 1]]) });
    const common = { worldId: "w", strategyId: "", venue: undefined };
    expect(got.skipped).to.deep.equal([
      { reason: "BELOW_MIN_NOTIONAL", ...common, symbol: "SMALL", deltaQty: -0.5, notional: -5 },
      { reason: "BELOW_LOT", ...common, symbol: "LOT", deltaQty: -0.5, notional: -500 },
    ]);
    expect(got.globalDeltas.map(({ symbol }) => symbol)).to.deep.equal(["KEPT"]);
  });

  it("names the units that v1 cannot trade for want of a mark", () => {
    const got = plan({ positions: columnsFromRows([row("w", "s", "X", 4, 0)]) }, "v1");
    expect(got.skipped.map(({ reason, deltaQty }) => [reason, deltaQty])).to.deep.equal([["NO_MARK", -2]]);
    expect(codes(got)).to.deep.equal(["ZERO_MARK"]);
  });

  it("ignores a flat row's mark in v2 and lets it count in v1", () => {
    const positions = columnsFromRows([row("w", "s", "X", 100, 100), row("w", "s", "X", 0, 200)]);
    const closing = { positions, worldAfter: new Map([["w", 0]]) };
    expect(plan(closing, "v2").globalDeltas[0]?.deltaQty).to.equal(-100);
    expect(plan(closing, "v1").globalDeltas[0]?.deltaQty).to.be.closeTo(-66.67, 0.01);
    expect([codes(plan(closing, "v1")), codes(plan(closing, "v2"))]).to.deep.equal([
      ["MIXED_MARKS"],
      ["MIXED_MARKS"],
    ]);
  });

  it("closes what a strategy holds in units, whatever its mark, where marks are mixed in v2", () => {
    const got = plan({
      positions: columnsFromRows([row("w", "s1", "X", 10, 100), row("w", "s2", "X", 10, 200)]),
      strategyBefore: new Map([
        [
          "w",
          new Map([
            ["s1", 0.1],
            ["s2", 0.2],
          ]),
        ],
      ]),
      strategyAfter: new Map([
        [
          "w",
          new Map([
            ["s1", 0],
            ["s2", 0.2],
          ]),
        ],
      ]),
    });
    expect(got.globalDeltas).to.deep.equal([
      { symbol: "X", venue: undefined, deltaQty: -10, mark: 150, notional: -1500, residualQty: 0 },
    ]);
  });

  it("gives no order for changes that cancel out but for float noise", () => {
    const got = plan({
      positions: columnsFromRows([
        row("w", "s1", "X", 0.1, 99.7),
        row("w", "s2", "X", 0.2, 99.7),
        row("w", "s3", "X", -0.3, 99.7),
      ]),
    });
    expect([got.globalDeltas, got.skipped]).to.deep.equal([[], []]);
  });

  it("warns of an equity of 0 and of ratios that sum to more than 1", () => {
    const worldAfter = new Map([
      ["w", 0.9],
      ["v", 0.2],
    ]);
    expect(codes(plan({ totalEquity: 0, worldAfter }))).to.deep.equal([
      "EQUITY_ZERO",
      "ALLOCATION_SUM_ABOVE_ONE",
      "WORLD_WITHOUT_POSITIONS",
    ]);
  });

  it("does not call 0.1 + 0.2 more than 0.3", () => {
    const third = new Map([
      [
        "w",
        new Map([
          ["s", 0.1],
          ["t", 0.2],
        ]),
      ],
    ]);
    const got = plan({ worldAfter: new Map([["w", 0.3]]), strategyBefore: third, strategyAfter: third });
    expect(codes(got)).to.deep.equal([]);
    expect(
      plan({
        worldAfter: new Map([
          ["w", 1 / 3],
          ["a", 1 / 3],
          ["b", 1 / 3],
        ]),
      }).warnings.map(({ worldId }) => worldId),
    ).to.deep.equal(["a", "b"]);
  });

  it("warns of a world whose positions cannot be scaled for want of a ratio before", () => {
    const got = plan({ worldBefore: new Map() });
    expect(got.globalDeltas).to.deep.equal([]);
    expect(codes(got)).to.deep.equal(["WORLD_MISSING_IN_BEFORE"]);
  });

  it("keeps worlds, deltas and strategies in order of first appearance, names that look like numbers too", () => {
    const positions = columnsFromRows([
      row("10", "9", "2", 1, 1),
      row("2", "1", "1", 1, 1),
      row("10", "8", "__proto__", 1, 1),
    ]);
    const half = (from: number) =>
      new Map([
        ["2", from],
        ["10", from],
      ]);
    const got = plan({ positions, worldBefore: half(0.4), worldAfter: half(0.2) });
    expect(
      got.perWorld.map(({ worldId, scaleByStrategy }) => [worldId, ...scaleByStrategy.keys()]),
    ).to.deep.equal([
      ["10", "9", "8"],
      ["2", "1"],
    ]);
    expect(got.globalDeltas.map(({ symbol }) => symbol)).to.deep.equal(["2", "__proto__", "1"]);
  });
});

describe("hybrid plan", () => {
  const hybrid = (scalingFraction: number, minOrderNotional = 0): RebalanceMode => ({
    kind: "hybrid",
    scalingFraction,
    overlay: {
      instrumentByWorld: new Map([["w", "PERP"]]),
      priceBySymbol: new Map([["PERP", 10]]),
      minOrderNotional,
    },
  });
  const figures = ({ perWorld, overlayDeltas }: RebalancePlan) => ({
    underlying: perWorld.flatMap(({ deltas }) => deltas.map(({ symbol, deltaQty }) => [symbol, deltaQty])),
    overlay: overlayDeltas.map(({ symbol, deltaQty }) => [symbol, deltaQty]),
  });

  it("trades a share of each change in the positions and the rest in the overlay", () => {
    const got = planRebalance(request(), hybrid(0.25), "v2");
    expect(figures(got)).to.deep.equal({ underlying: [["X", -0.5]], overlay: [["PERP", -15]] });
    expect(got.globalDeltas.map(({ deltaQty }) => deltaQty)).to.deep.equal([-0.5]);
  });

  it("hands what lots and minimum leave to the overlay", () => {
    const positions = columnsFromRows([row("w", "s", "X", 5, 100), row("w", "s", "Y", 1, 8)]);
    const got = planRebalance(
      request({ positions, lotBySymbol: new Map([["X", 1]]), minTradeNotional: 5 }),
      hybrid(1),
      "v2",
    );
    // Wanted -250 and -4; traded -200; the rest is -54.
    expect(figures(got)).to.deep.equal({ underlying: [["X", -2]], overlay: [["PERP", -5.4]] });
  });

  it("needs no overlay order where positions take everything", () => {
    expect(figures(planRebalance(request(), hybrid(1), "v2"))).to.deep.equal({
      underlying: [["X", -2]],
      overlay: [],
    });
  });

  it("does like the overlay mode where positions take nothing", () => {
    expect(figures(planRebalance(request(), hybrid(0), "v2"))).to.deep.equal({
      underlying: [],
      overlay: [["PERP", -20]],
    });
  });

  it("neither scales nor counts positions in the overlay instrument itself", () => {
    const positions = columnsFromRows([row("w", "s", "X", 4, 100), row("w", "s", "PERP", 7, 10)]);
    const got = planRebalance(request({ positions }), hybrid(0.5), "v2");
    expect(figures(got)).to.deep.equal({ underlying: [["X", -1]], overlay: [["PERP", -10]] });
    expect(codes(got)).to.deep.equal(["OVERLAY_POSITION_EXCLUDED"]);
  });

  it("says when the rest is too small for the overlay", () => {
    const got = planRebalance(request(), hybrid(0.75, 51), "v2");
    expect(got.overlayDeltas).to.deep.equal([]);
    expect(got.skipped.map(({ reason, notional }) => [reason, notional])).to.deep.equal([
      ["OVERLAY_BELOW_MIN_NOTIONAL", -50],
    ]);
  });
});
