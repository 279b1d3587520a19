import { expect } from "chai";
import { readLedger } from "../../../../src/domain/rebalance/ledger.ts";
import {
  cappedRatios,
  strategyTargets,
  type WorldHoldings,
  worldScale,
} from "../../../../src/domain/rebalance/scales.ts";
import {
  difference,
  type GoldenContext,
  type GoldenPosition,
  goldenCases,
  toColumns,
  toInput,
} from "./golden-cases.ts";

interface TargetsInput {
  readonly context: GoldenContext;
  readonly world_id: string;
  readonly positions: readonly GoldenPosition[];
}

interface Targets {
  readonly before: Readonly<Record<string, number>>;
  readonly after: Readonly<Record<string, number>>;
}

/** What the strategies of the only world among the positions hold. */
function holdingsOf(rows: readonly GoldenPosition[]): WorldHoldings {
  const { positions, sleeves, sleeveNotional, worldNotional } = readLedger(toColumns(rows));
  const byStrategy = new Map<string, number>();
  for (let sleeve = 0; sleeve < sleeves.size; sleeve++) {
    const strategy = positions.strategy[sleeves.firstRow[sleeve] as number] as number;
    byStrategy.set(positions.strategies[strategy] as string, sleeveNotional[sleeve] as number);
  }
  return { total: worldNotional[0] ?? 0, byStrategy };
}

describe("strategy targets", () => {
  for (const { id, input, expected } of goldenCases<TargetsInput, Targets>("strategy_targets")) {
    it(`gives the answer of ${id}`, () => {
      const { before, after } = strategyTargets(
        toInput(input.context),
        input.world_id,
        holdingsOf(input.positions),
      );
      const got = { before: Object.fromEntries(before), after: Object.fromEntries(after) };
      expect(difference(got, expected.result)).to.equal(undefined);
      expect([...after.keys()]).to.deep.equal(Object.keys(expected.result?.after ?? {}));
    });
  }

  it("leaves a world alone that had nothing and closes one that gets nothing", () => {
    expect([worldScale(0, 0.5), worldScale(0, 0), worldScale(0.5, 0), worldScale(0.5, 0.25)]).to.deep.equal([
      1, 0, 0, 0.5,
    ]);
  });

  it("scales ratios down to their world all by the same factor and leaves those alone that fit", () => {
    const fit = new Map([
      ["a", 0.1],
      ["b", 0.2],
    ]);
    expect(cappedRatios(fit, 0.3)).to.equal(fit);
    const halved = cappedRatios(fit, 0.15);
    expect(halved.get("a")).to.be.closeTo(0.05, 1e-15);
    expect(halved.get("b")).to.be.closeTo(0.1, 1e-15);
    expect([...cappedRatios(fit, 0).values()]).to.deep.equal([0, 0]);
  });
});
