import { expect } from "chai";
import fc from "fast-check";
import { ordersToSubmit } from "../../../src/domain/orders/order-set.ts";
import { instrumentKey, signedQuantity } from "../../../src/domain/orders/types.ts";
import { wholeLots } from "../../../src/domain/rebalance/index.ts";
import { type Book, rule, shapeBook, totals } from "../../unit/domain/orders/orders-fixture.ts";

const LOTS = { A: 0.1, B: 1, C: 0.25 };
const position = fc.tuple(
  fc.constantFrom("w1", "w2", "w3"),
  fc.constantFrom("s1", "s2", "s3"),
  fc.constantFrom("A", "B", "C"),
  fc.integer({ min: -500, max: 500 }).map((n) => n / 20),
  fc.constantFrom(1, 7.5, 100),
  fc.constantFrom(undefined, "", "v"),
);
const ratio = fc.integer({ min: 0, max: 10 }).map((n) => n / 30);
const ratios = fc.record({ w1: ratio, w2: ratio, w3: ratio });

const books = fc
  .record({ before: ratios, after: ratios, positions: fc.array(position, { minLength: 1, maxLength: 25 }) })
  .map(
    ({ positions, ...book }): Book => ({
      ...book,
      positions: positions.map(([w, s, x, q, m, v]) =>
        v === undefined ? [w, s, x, q, m] : [w, s, x, q, m, v],
      ),
      lots: LOTS,
    }),
  );
const RULES = [
  rule({ symbol: "B", minNotional: 50, closingExempt: true }),
  rule({ symbol: "*", tickSize: 0.5 }),
];

type Lot = keyof typeof LOTS;

describe("laws of orders", () => {
  it("strategies sum to their world and worlds to the account, in whole lots", () => {
    fc.assert(
      fc.property(books, (book) => {
        const set = shapeBook(book, { rules: RULES });
        const worldOrders = [...set.perWorld.values()].flat();
        const byWorld = totals(worldOrders, (o) => o.worldId + instrumentKey(o.venue, o.symbol));
        const byStrategy = totals(set.perStrategy, (o) => o.worldId + instrumentKey(o.venue, o.symbol));
        for (const [key, sum] of byStrategy) expect(sum, key).to.be.closeTo(byWorld.get(key) ?? 0, 1e-9);
        for (const [key, sum] of byWorld) expect(byStrategy.get(key), key).to.be.closeTo(sum, 1e-9);
        const overall = totals(worldOrders, (o) => instrumentKey(o.venue, o.symbol));
        for (const order of set.global) {
          const sum = overall.get(instrumentKey(order.venue, order.symbol));
          expect(signedQuantity(order)).to.be.closeTo(sum ?? Number.NaN, 1e-9);
        }
        for (const order of [...worldOrders, ...set.perStrategy, ...set.global]) {
          const lot = LOTS[order.symbol as Lot];
          expect(order.quantity).to.be.greaterThan(0);
          expect(order.quantity / lot).to.be.closeTo(wholeLots(order.quantity, lot), 1e-9);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("a reduce-only order never crosses zero, whatever was filled before it", () => {
    fc.assert(
      fc.property(books, (book) => {
        const set = shapeBook(book, { rules: RULES });
        const held = new Map<string, number>();
        for (const [w, _s, x, q, _m, v] of book.positions) {
          const key = w + instrumentKey(v, x);
          held.set(key, (held.get(key) ?? 0) + q);
        }
        for (const order of ordersToSubmit(set, false)) {
          const key = order.worldId + instrumentKey(order.venue, order.symbol);
          const before = held.get(key) ?? 0;
          const after = before + signedQuantity(order);
          if (order.reduceOnly) {
            expect(Math.abs(after)).to.be.lessThan(Math.abs(before) + 1e-9);
            expect(after * before).to.be.at.least(-1e-6);
          }
          held.set(key, after);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("no order that opens is sent before one that reduces, no buy before a sell of its kind", () => {
    fc.assert(
      fc.property(books, (book) => {
        const ranks = ordersToSubmit(shapeBook(book), false).map(
          ({ reduces, side }) => (reduces ? 0 : 2) + (side === "SELL" ? 0 : 1),
        );
        expect(ranks).to.deep.equal(ranks.toSorted((a, b) => a - b));
      }),
      { numRuns: 50 },
    );
  });
});
