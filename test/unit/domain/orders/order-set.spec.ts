import { expect } from "chai";
import { ordersToSubmit } from "../../../../src/domain/orders/order-set.ts";
import type { RebalanceMode } from "../../../../src/domain/rebalance/index.ts";
import { refusalOf } from "../rebalance/refusals.ts";
import { rule, shapeBook, show } from "./orders-fixture.ts";

const HALVED = { before: { w: 1 }, after: { w: 0.5 } };

describe("orders of a plan", () => {
  it("sends what makes positions smaller first, and sells before buys", () => {
    const { perWorld } = shapeBook({
      before: { up: 0.2, down: 0.4 },
      after: { up: 0.4, down: 0.2 },
      positions: [
        ["up", "s", "L", 10, 10],
        ["up", "s", "S", -10, 10],
        ["down", "s", "L", 10, 10],
        ["down", "s", "S", -10, 10],
      ],
    });
    const orders = ordersToSubmit({ perWorld, global: [], perStrategy: [], violations: [] }, false);
    expect(orders.map(show)).to.deep.equal([
      "down SELL 5 L!",
      "down BUY 5 S!",
      "up SELL 10 S",
      "up BUY 10 L",
    ]);
  });

  it("labels each strategy's orders with that strategy, also where another one's vanish in the lot (D-04, D18)", () => {
    const { perStrategy, perWorld } = shapeBook({
      ...HALVED,
      positions: [
        ["w", "s1", "X", 0.8, 10],
        ["w", "s2", "X", 10, 10],
      ],
      lots: { X: 1 },
    });
    expect(perWorld.get("w")?.map(show)).to.deep.equal(["w SELL 5 X!"]);
    expect(perStrategy.map(show)).to.deep.equal(["w/s2 SELL 5 X!"]);
  });

  it("gives the one lot of three strategies to one of them instead of losing it (D-18, D19)", () => {
    const { perStrategy, perWorld } = shapeBook({
      before: { w: 1 },
      after: { w: 0 },
      positions: [
        ["w", "s0", "X", 1 / 3, 10],
        ["w", "s1", "X", 1 / 3, 10],
        ["w", "s2", "X", 1 / 3, 10],
      ],
      lots: { X: 1 },
    });
    expect(perWorld.get("w")?.map(show)).to.deep.equal(["w SELL 1 X!"]);
    expect(perStrategy).to.have.lengthOf(1);
    expect(perStrategy[0]?.quantity).to.equal(1);
  });

  it("charges only the strategies that must trade (D-17)", () => {
    const { perStrategy } = shapeBook({
      before: { w: 1 },
      after: { w: 1 },
      strategyBefore: { w: { s1: 0.5, s2: 0.5 } },
      strategyAfter: { w: { s1: 0.25, s2: 0.5 } },
      positions: [
        ["w", "s1", "X", 10, 10],
        ["w", "s2", "X", 10, 10],
      ],
    });
    expect(perStrategy.map(show)).to.deep.equal(["w/s1 SELL 5 X!"]);
  });

  it("keeps strategies moving that cancel out within their world", () => {
    const { perStrategy, perWorld } = shapeBook({
      before: { w: 1 },
      after: { w: 1 },
      strategyBefore: { w: { s1: 0.5, s2: 0.5 } },
      strategyAfter: { w: { s1: 0.25, s2: 0.75 } },
      positions: [
        ["w", "s1", "X", 10, 10],
        ["w", "s2", "X", 10, 10],
      ],
      lots: { X: 1 },
    });
    expect(perWorld.get("w")).to.deep.equal([]);
    expect(perStrategy.map(show)).to.deep.equal(["w/s1 SELL 5 X!", "w/s2 BUY 5 X"]);
  });

  it("does not flag a strategy's order reduce-only that grows its own short in a long account", () => {
    const { perStrategy } = shapeBook({
      before: { w: 1 },
      after: { w: 1 },
      strategyBefore: { w: { long: 0.5, short: 0.2 } },
      strategyAfter: { w: { long: 0.5, short: 0.4 } },
      positions: [
        ["w", "long", "X", 100, 10],
        ["w", "short", "X", -10, 10],
      ],
    });
    expect(perStrategy.map(show)).to.deep.equal(["w/short SELL 10 X"]);
  });

  it("sums the worlds' orders into the global ones, in whole lots, and judges them as one account", () => {
    const { global, perWorld } = shapeBook({
      before: { a: 0.4, b: 0.2 },
      after: { a: 0.2, b: 0.3 },
      positions: [
        ["a", "s", "X", 0.6, 10],
        ["b", "s", "X", 0.4, 10],
        ["a", "s", "Y", -4, 10],
      ],
      lots: { X: 0.1 },
    });
    expect([...perWorld.values()].flat().map(show)).to.deep.equal([
      "a SELL 0.3 X!",
      "a BUY 2 Y!",
      "b BUY 0.2 X",
    ]);
    expect(global.map(show)).to.deep.equal(["SELL 0.1 X!", "BUY 2 Y!"]);
  });

  it("reports a netted order below the minimum as a violation without world", () => {
    const { global, violations } = shapeBook({
      before: { a: 0.4, b: 0.4 },
      after: { a: 0.2, b: 0.59 },
      positions: [
        ["a", "s", "X", 10, 10],
        ["b", "s", "X", 10, 10],
      ],
      minTradeNotional: 10,
    });
    expect(global).to.deep.equal([]);
    expect(violations.map(({ worldId, reason }) => [worldId, reason])).to.deep.equal([["", "min-notional"]]);
  });

  it("submits the netted orders of a shared account instead of the worlds', never both", () => {
    const set = shapeBook({
      before: { a: 0.4, b: 0.4 },
      after: { a: 0.2, b: 0.2 },
      positions: [
        ["a", "s", "X", 10, 10],
        ["b", "s", "X", 10, 10],
      ],
    });
    expect(ordersToSubmit(set, true).map(show)).to.deep.equal(["SELL 10 X!"]);
    expect(ordersToSubmit(set, false).map(show)).to.deep.equal(["a SELL 5 X!", "b SELL 5 X!"]);
  });

  it("reports what the planner dropped in the words of orders", () => {
    const { violations, perWorld } = shapeBook({
      ...HALVED,
      positions: [
        ["w", "s", "LOT", 1, 10],
        ["w", "s", "SMALL", 1, 10],
        ["w", "s", "DARK", 1, 0],
      ],
      lots: { LOT: 1, SMALL: 0.01 },
      minTradeNotional: 5,
    });
    expect(perWorld.get("w")?.map(show)).to.deep.equal(["w SELL 0.5 SMALL!"]);
    expect(
      violations.map(({ symbol, reason, details }) => [symbol, reason, Object.fromEntries(details)]),
    ).to.deep.equal([
      ["LOT", "lot-size", { requested_qty: -0.5, lot_size: 1 }],
      ["DARK", "missing-mark", { requested_qty: -0.5 }],
    ]);
  });

  it("closes dust where the venue exempts orders that close, and nowhere else (D-33)", () => {
    const dust = (closingExempt: boolean, after: number) =>
      shapeBook(
        { before: { w: 0.5 }, after: { w: after }, positions: [["w", "s", "X", 0.5, 10, "binance"]] },
        { rules: [rule({ symbol: "*", venue: "binance", minNotional: 100, closingExempt })] },
      );
    expect(dust(true, 0).perWorld.get("w")?.map(show)).to.deep.equal(["w SELL 0.5 X@binance!"]);
    expect(dust(false, 0).violations.map(({ reason }) => reason)).to.deep.equal(["min-notional"]);
    expect(
      dust(true, 1).violations.map(({ reason }) => reason),
      "an opening order",
    ).to.deep.equal(["min-notional"]);
  });

  it("rounds worlds, strategies and the account alike by a lot that only a rule knows", () => {
    const { perWorld, perStrategy, global, violations } = shapeBook(
      {
        before: { w: 1 },
        after: { w: 0.5 },
        positions: [
          ["w", "s1", "btc/usdt", 3.3, 10, "binance"],
          ["w", "s2", "btc/usdt", 2.3, 10, "binance"],
        ],
      },
      { rules: [rule({ symbol: "BTCUSDT", venue: "BINANCE", aliases: ["BTC/USDT"], lotSize: 0.5 })] },
    );
    expect(violations).to.deep.equal([]);
    expect(perWorld.get("w")?.map(show)).to.deep.equal(["w SELL 2.5 BTCUSDT@binance!"]);
    expect(perStrategy.map(show)).to.deep.equal([
      "w/s1 SELL 1.5 BTCUSDT@binance!",
      "w/s2 SELL 1 BTCUSDT@binance!",
    ]);
    expect(global.map(show)).to.deep.equal(["SELL 2.5 BTCUSDT@binance!"]);
  });

  it("prices orders on the tick of their instrument", () => {
    const { perWorld } = shapeBook(
      { ...HALVED, positions: [["w", "s", "X", 1, 100.13]] },
      { rules: [rule({ symbol: "X", tickSize: 0.25 })] },
    );
    expect(perWorld.get("w")?.[0]?.price).to.equal(100.25);
  });
});

describe("orders of an overlay", () => {
  const positions = [
    ["a", "s", "X", 10, 10],
    ["b", "s", "Y", 10, 10],
  ] as const;
  const book = { before: { a: 0.5, b: 0.25 }, after: { a: 0.25, b: 0.375 }, positions };
  const overlay = (instruments: Record<string, string>): RebalanceMode => ({
    kind: "overlay",
    overlay: {
      instrumentByWorld: new Map(Object.entries(instruments)),
      priceBySymbol: new Map([
        ["PA", 10],
        ["PB", 10],
      ]),
      minOrderNotional: 0,
    },
  });

  it("go to the world that the overlay belongs to and to no strategy", () => {
    const { perWorld, perStrategy } = shapeBook(book, { mode: overlay({ a: "PA", b: "PB" }) });
    expect([...perWorld].map(([world, orders]) => [world, orders.map(show)])).to.deep.equal([
      ["a", ["a SELL 5 PA"]],
      ["b", ["b BUY 5 PB"]],
    ]);
    expect(perStrategy.map(({ strategyId }) => strategyId)).to.deep.equal(["", ""]);
  });

  it("reduce what the world holds of the instrument at any venue", () => {
    const held = { ...book, positions: [...positions, ["a", "s", "PA", 5, 10, "binance"] as const] };
    const { perWorld } = shapeBook(held, { mode: overlay({ a: "PA", b: "PB" }) });
    expect(perWorld.get("a")?.map(show)).to.deep.equal(["a SELL 5 PA!"]);
  });

  it("are refused where two worlds share an instrument (D13)", () => {
    const refused = refusalOf(() => shapeBook(book, { mode: overlay({ a: "PA", b: "PA" }) }));
    expect(refused.reason).to.equal("OVERLAY_EXECUTION_AMBIGUOUS");
  });

  it("stand beside the positions' own orders in hybrid mode", () => {
    const mode = { ...overlay({ a: "PA", b: "PB" }), kind: "hybrid", scalingFraction: 0.5 } as RebalanceMode;
    const { perWorld } = shapeBook(book, { mode });
    expect(perWorld.get("a")?.map(show)).to.deep.equal(["a SELL 2.5 X!", "a SELL 2.5 PA"]);
    expect(perWorld.get("b")?.map(show)).to.deep.equal(["b BUY 2.5 Y", "b BUY 2.5 PB"]);
  });
});
