import { expect } from "chai";
import { roundToLot, wholeLots } from "../../../../src/domain/rebalance/index.ts";
import { lotResidue, lotRule } from "../../../../src/domain/rebalance/lots.ts";
import { type GoldenNumber, goldenCases, hasDefect, near, onlyDefects } from "./golden-cases.ts";

interface LotInput {
  readonly qty: GoldenNumber;
  readonly lot: GoldenNumber | null;
}

const round = ({ qty, lot }: LotInput): number => roundToLot(Number(qty), Number(lot ?? 0));
const planner = goldenCases<LotInput, GoldenNumber>("round_lot_worldservice");
const gateway = goldenCases<LotInput, readonly [GoldenNumber, number]>("round_lot_gateway");

/** Cases that lose a lot as D01 does, at a lot of 1e-8, and do not carry its tag. */
const UNTAGGED = ["round_lot_worldservice-0048", "round_lot_gateway-0040"];
const sound = (golden: { id: string; defects: readonly string[] }): boolean =>
  onlyDefects([])(golden) && !UNTAGGED.includes(golden.id);

describe("lot rounding", () => {
  for (const { id, input, expected } of planner.filter(sound)) {
    it(`gives the answer of ${id}`, () => {
      expect(near(round(input), Number(expected.result)), `${round(input)}`).to.equal(true);
    });
  }

  for (const { id, input, expected } of gateway.filter(sound)) {
    it(`gives the answer of ${id}`, () => {
      const [quantity, steps] = expected.result ?? [NaN, NaN];
      expect(near(round(input), Number(quantity)), `${round(input)}`).to.equal(true);
      if (Number(input.lot ?? 0) > 0) {
        expect(Math.abs(wholeLots(Number(input.qty), Number(input.lot)))).to.equal(Math.abs(steps));
      }
    });
  }

  it("D01: keeps the lot that the old planner lost to float division", () => {
    const answers = planner.filter(hasDefect("D01")).map(({ input, expected }) => {
      expect(near(round(input), Number(expected.result))).to.equal(false);
      return [input.qty, input.lot, round(input)];
    });
    expect(answers).to.deep.equal([
      [0.7, 0.1, 0.7],
      [8.2, 0.1, 8.2],
    ]);
  });

  it("D01: keeps the lot at a lot of 1e-8 too", () => {
    const untagged = [...planner, ...gateway].filter(({ id }) => UNTAGGED.includes(id));
    expect(untagged.map(({ input }) => [input.qty, input.lot, round(input)])).to.deep.equal([
      [8.2, 1e-8, 8.2],
      [0.29, 1e-8, 0.29],
    ]);
  });

  it("D02: never fails on what is no number and never makes a number of it; requests with one are refused", () => {
    const broken = [...planner, ...gateway].filter(hasDefect("D02"));
    expect(broken.length).to.equal(21);
    for (const { id, input } of broken) expect(Number.isFinite(round(input)), id).to.equal(false);
  });

  it("keeps every multiple of a decimal lot, to the digit", () => {
    for (const [lot, decimals] of [
      [0.1, 1],
      [0.001, 3],
      [0.05, 2],
      [1e-8, 8],
    ] as const) {
      for (let steps = 1; steps <= 3000; steps++) {
        const quantity = Number((steps * lot).toFixed(decimals));
        expect(roundToLot(quantity, lot)).to.equal(quantity);
        expect(roundToLot(-quantity, lot)).to.equal(-quantity);
        expect(roundToLot(steps * lot, lot)).to.equal(quantity);
      }
    }
  });

  it("rounds toward zero", () => {
    expect(roundToLot(0.39, 0.1)).to.equal(0.3);
    expect(roundToLot(-0.39, 0.1)).to.equal(-0.3);
    expect(roundToLot(0.09, 0.1)).to.equal(0);
    expect(Object.is(roundToLot(-0.09, 0.1), 0)).to.equal(true);
  });

  it("takes a quantity for whole lots within a billionth of a lot and no further", () => {
    expect(roundToLot(3 - 0.9e-9, 1)).to.equal(3);
    expect(roundToLot(3 - 1.1e-9, 1)).to.equal(2);
  });

  it("leaves quantities alone whose lots a double cannot count", () => {
    expect(roundToLot(1e300, 1e-300)).to.equal(1e300);
    expect(roundToLot(1e20, 0.001)).to.equal(1e20);
  });

  it("rounds to lots with more decimals than a power of ten holds exactly", () => {
    expect(roundToLot(1, 1 / 3)).to.be.closeTo(1, 1e-15);
    expect(roundToLot(2.5e-26, 1e-26)).to.be.closeTo(2e-26, 1e-40);
  });

  it("tells what was lost to the lot and calls float noise nothing", () => {
    const rule = lotRule(0.1);
    expect(lotResidue(0.39, 0.3, rule)).to.be.closeTo(0.09, 1e-15);
    expect(lotResidue(-0.39, -0.3, rule)).to.be.closeTo(-0.09, 1e-15);
    expect(lotResidue(0.1 + 0.2, 0.3, rule)).to.equal(0);
    expect(lotResidue(0.39, 0.39, undefined)).to.equal(0);
  });
});
