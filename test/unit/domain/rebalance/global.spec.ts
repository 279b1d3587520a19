import { expect } from "chai";
import {
  aggregateGlobalDeltas,
  type SymbolDelta,
  type WorldPlan,
} from "../../../../src/domain/rebalance/index.ts";
import {
  difference,
  fromDeltas,
  type GoldenDelta,
  type GoldenPosition,
  type GoldenWorldPlan,
  goldenCases,
} from "./golden-cases.ts";

interface AggregateInput {
  readonly min_trade_notional: number;
  readonly positions: readonly GoldenPosition[];
  readonly plan: GoldenWorldPlan;
}

function delta(symbol: string, deltaQty: number, mark: number, more: Partial<SymbolDelta> = {}): SymbolDelta {
  return { symbol, venue: undefined, deltaQty, mark, notional: deltaQty * mark, residualQty: 0, ...more };
}

const world = (worldId: string, ...deltas: SymbolDelta[]): WorldPlan => ({
  worldId,
  scaleWorld: 1,
  scaleByStrategy: new Map(),
  deltas,
});

describe("global deltas", () => {
  for (const { id, input, expected } of goldenCases<AggregateInput, GoldenDelta[]>("global_aggregate")) {
    it(`gives the answer of ${id}`, () => {
      const mark = Number(input.positions[0]?.mark);
      const deltas = input.plan.deltas.map(({ symbol, delta_qty, venue }) =>
        delta(symbol, Number(delta_qty), mark, { venue: venue ?? undefined }),
      );
      const got = aggregateGlobalDeltas([world("w", ...deltas)], input.min_trade_notional, new Map());
      expect(difference(fromDeltas(got.deltas), expected.result)).to.equal(undefined);
    });
  }

  it("sums quantities, notionals and residues of the worlds and averages marks by |quantity|", () => {
    const got = aggregateGlobalDeltas(
      [
        world("a", delta("X", 3, 100, { residualQty: 0.5 })),
        world("b", delta("X", -1, 200, { residualQty: -0.2 })),
      ],
      0,
      new Map(),
    );
    expect(got.deltas).to.deep.equal([delta("X", 2, 125, { notional: 100, residualQty: 0.3 })]);
  });

  it("keeps no venue, the empty venue and a named one apart, in order of first appearance", () => {
    const got = aggregateGlobalDeltas(
      [
        world("a", delta("X", 1, 1, { venue: "v" }), delta("X", 1, 1)),
        world("b", delta("X", 1, 1, { venue: "" }), delta("X", 1, 1, { venue: "v" })),
      ],
      0,
      new Map(),
    );
    expect(got.deltas.map(({ venue, deltaQty }) => [venue, deltaQty])).to.deep.equal([
      ["v", 2],
      [undefined, 1],
      ["", 1],
    ]);
  });

  it("drops what is below the minimum, says so, and keeps what equals it", () => {
    const got = aggregateGlobalDeltas([world("a", delta("X", 1, 99), delta("Y", 1, 100))], 100, new Map());
    expect(got.deltas.map(({ symbol }) => symbol)).to.deep.equal(["Y"]);
    expect(got.skipped).to.deep.equal([
      {
        reason: "BELOW_MIN_NOTIONAL",
        worldId: "",
        strategyId: "",
        symbol: "X",
        venue: undefined,
        deltaQty: 1,
        notional: 99,
      },
    ]);
  });

  it("gives nothing for worlds that cancel out, float noise or not", () => {
    const got = aggregateGlobalDeltas(
      [world("a", delta("X", 0.1, 1)), world("b", delta("X", 0.2, 1)), world("c", delta("X", -0.3, 1))],
      0,
      new Map(),
    );
    expect(got).to.deep.equal({ deltas: [], skipped: [] });
  });

  it("adds whole lots to whole lots", () => {
    const got = aggregateGlobalDeltas(
      [world("a", delta("X", 0.1, 1)), world("b", delta("X", 0.2, 1))],
      0,
      new Map([["X", 0.1]]),
    );
    expect(got.deltas.map(({ deltaQty }) => deltaQty)).to.deep.equal([0.3]);
  });
});
