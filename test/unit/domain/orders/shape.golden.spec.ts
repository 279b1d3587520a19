import { expect } from "chai";
import { shapeOrders } from "../../../../src/domain/orders/shape.ts";
import { type GoldenDelta, hasDefect } from "../rebalance/golden-cases.ts";
import {
  asGolden,
  type GoldenOptions,
  type GoldenOrder,
  goldenOrderCases,
  shapeOptions,
  toDelta,
  withNearQuantities,
} from "./golden-orders.ts";

interface Input {
  readonly deltas: readonly GoldenDelta[];
  readonly options: GoldenOptions;
}

interface Violation {
  readonly venue: string | null;
  readonly symbol: string;
  readonly reason: string;
  readonly details: Readonly<Record<string, unknown>>;
}

interface Result {
  readonly orders: readonly GoldenOrder[];
  readonly violations: readonly Violation[];
}

const cases = goldenOrderCases<Input, Result>("orders");
const OWNER = { worldId: "w", strategyId: "" };

/**
 * A ratio of 2.9999999999 lots is three lots under the one lot rule of this service (D-07): both layers round alike,
 * where the Python layers disagreed.
 */
const ONE_LOT_RULE = "orders-0042";

function shape({ deltas, options }: Input, positionOf?: () => number) {
  return shapeOrders(deltas.map(toDelta), OWNER, shapeOptions(options, positionOf));
}

/** Details that are no figures cannot travel. */
function figures({ mark_source: _source, ...details }: Violation["details"]) {
  return details;
}

describe("order shaping against the golden data", () => {
  for (const golden of cases.filter(({ defects, id }) => defects.length === 0 && id !== ONE_LOT_RULE)) {
    it(`shapes ${golden.id}${golden.note === undefined ? "" : ` (${golden.note})`}`, () => {
      const got = shape(golden.input);
      const orders = got.orders.map(({ order }) => asGolden(order));
      const expected = golden.expected.result as Result;
      expect(orders).to.deep.equal(withNearQuantities(expected.orders, orders));
      expect(
        got.violations.map(({ venue, symbol, reason, details }) => ({
          venue: venue ?? null,
          symbol,
          reason,
          details: Object.fromEntries(details),
        })),
      ).to.deep.equal(
        expected.violations.map((violation) => ({ ...violation, details: figures(violation.details) })),
      );
    });
  }

  it("rounds lots by the planner's own rule where the Python layers disagreed (D-07)", () => {
    const golden = cases.find(({ id }) => id === ONE_LOT_RULE);
    const got = shape(golden?.input as Input);
    expect(got.orders.map(({ order }) => order.quantity)).to.deep.equal([0.3]);
  });

  for (const golden of cases.filter(hasDefect("D16"))) {
    it(`flags ${golden.id} by what it does to the position and not by its sign (D-16)`, () => {
      const flag = (position: number) => shape(golden.input, () => position).orders[0]?.order.reduceOnly;
      expect(golden.expected.result?.orders[0]?.reduce_only, "the Python answer").to.equal(undefined);
      expect(flag(-5), "covering a short of the same size").to.equal(true);
      expect(flag(-3), "crossing zero").to.equal(false);
      expect(flag(5), "adding to a long").to.equal(false);
      expect(flag(0), "opening").to.equal(false);
    });
  }

  it("never flags the growth of a short reduce-only (D-16)", () => {
    const input = { deltas: [{ symbol: "X", delta_qty: -1, venue: null }], options: {} };
    expect(shape(input, () => -10).orders[0]?.order.reduceOnly).to.equal(false);
  });

  for (const golden of cases.filter(hasDefect("D17"))) {
    it(`takes a lot of 0 in ${golden.id} for no lot, so that the instrument's rule counts`, () => {
      const [order] = shape(golden.input).orders;
      expect(order?.order.quantity).to.equal(2.5);
      expect(order?.order.quantity).not.to.equal(golden.expected.result?.orders[0]?.quantity);
    });
  }
});
