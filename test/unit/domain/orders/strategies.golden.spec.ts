import { expect } from "chai";
import { shapeOrders } from "../../../../src/domain/orders/shape.ts";
import { type GoldenDelta, hasDefect, near } from "../rebalance/golden-cases.ts";
import { type GoldenOptions, type GoldenOrder, goldenOrderCases, shapeOptions } from "./golden-orders.ts";
import { type Book, shapeBook } from "./orders-fixture.ts";

interface Input {
  readonly deltas: readonly (GoldenDelta & { readonly strategy_id: string })[];
  readonly options: GoldenOptions;
}

interface Result {
  readonly orders: readonly GoldenOrder[];
  readonly gateway_zip: readonly { readonly strategy_id: string; readonly order: GoldenOrder }[];
}

const cases = goldenOrderCases<Input, Result>("orders_per_strategy");

/** A world whose strategies want exactly these changes: each one doubles, or closes, what it holds. */
function bookOf({ deltas, options }: Input): Book {
  const growing = deltas.every(({ delta_qty }) => Number(delta_qty) > 0);
  return {
    before: { w: 0.25 },
    after: { w: growing ? 0.5 : 0 },
    positions: deltas.map(({ strategy_id, symbol, delta_qty }) => [
      "w",
      strategy_id,
      symbol,
      Math.abs(Number(delta_qty)),
      10,
    ]),
    lots: Object.fromEntries(
      Object.entries(options.lot_size_by_symbol ?? {}).map(([symbol, lot]) => [symbol, Number(lot)]),
    ),
  };
}

function labelled(input: Input): [string, number][] {
  return shapeBook(bookOf(input)).perStrategy.map(({ strategyId, side, quantity }) => [
    strategyId,
    side === "BUY" ? quantity : -quantity,
  ]);
}

describe("orders per strategy against the golden data", () => {
  for (const golden of cases.filter(({ defects }) => defects.length === 0)) {
    it(`labels ${golden.id} alike`, () => {
      expect(labelled(golden.input)).to.deep.equal(
        golden.expected.result?.gateway_zip.map(({ strategy_id, order }) => [strategy_id, order.quantity]),
      );
    });
  }

  for (const golden of cases.filter(hasDefect("D18"))) {
    it(`never labels the order of ${golden.id} with another strategy (D-04)`, () => {
      const [wrong] = golden.expected.result?.gateway_zip ?? [];
      const got = labelled(golden.input);
      expect(got).to.deep.equal([["s2", 5]]);
      expect(got[0]?.[0]).not.to.equal(wrong?.strategy_id);
    });
  }

  for (const golden of cases.filter(hasDefect("D19"))) {
    it(`keeps every lot of ${golden.id} (D-18)`, () => {
      expect(golden.expected.result?.orders, "the Python answer").to.deep.equal([]);
      const got = labelled(golden.input);
      const options = shapeOptions(golden.input.options);
      const total = golden.input.deltas.reduce((sum, { delta_qty }) => sum + Number(delta_qty), 0);
      const world = shapeOrders(
        [{ symbol: "X", venue: undefined, deltaQty: total }],
        { worldId: "w", strategyId: "" },
        options,
      );
      const worldQuantity = -(world.orders[0]?.order.quantity ?? 0);
      expect(
        near(
          got.reduce((sum, [, quantity]) => sum + quantity, 0),
          worldQuantity,
        ),
      ).to.equal(true);
      expect(worldQuantity).to.equal(-1);
    });
  }
});
