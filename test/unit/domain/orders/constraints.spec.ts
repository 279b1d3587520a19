import { expect } from "chai";
import { constraintBook } from "../../../../src/domain/orders/constraints.ts";
import { refusedFields } from "../rebalance/refusals.ts";
import { rule } from "./orders-fixture.ts";

describe("instrument constraints", () => {
  it("lay special rules over general ones, venue before symbol, later before earlier", () => {
    const book = constraintBook(
      [
        rule({ symbol: "X", venue: "binance", lotSize: 0.1 }),
        rule({ symbol: "*", lotSize: 1, minNotional: 5, tickSize: 0.01 }),
        rule({ symbol: "X", lotSize: 0.5 }),
        rule({ symbol: "X", lotSize: 0.25 }),
        rule({ symbol: "*", venue: "binance", lotSize: 2, minNotional: 10 }),
      ],
      "constraints",
    );
    const at = (venue: string | undefined, symbol: string) => {
      const { lotSize, minNotional, tickSize } = book(venue, symbol);
      return [lotSize, minNotional, tickSize];
    };
    expect(at("Binance", "x"), "venue and symbol").to.deep.equal([0.1, 10, 0.01]);
    expect(at("binance", "Y"), "venue only").to.deep.equal([2, 10, 0.01]);
    expect(at("kraken", "X"), "symbol only").to.deep.equal([0.25, 5, 0.01]);
    expect(at(undefined, "Y"), "neither").to.deep.equal([1, 5, 0.01]);
  });

  it("keep no venue and the empty venue apart", () => {
    const book = constraintBook([rule({ symbol: "X", venue: "", lotSize: 3 })], "constraints");
    expect([book("", "X").lotSize, book(undefined, "X").lotSize]).to.deep.equal([3, 0]);
  });

  it("know an instrument by every alias, at its venue before elsewhere", () => {
    const book = constraintBook(
      [
        rule({ symbol: "BTC", canonicalSymbol: "BTC-USD", aliases: ["xbt"] }),
        rule({ symbol: "BTC", venue: "bitmex", canonicalSymbol: "XBTUSD", aliases: ["xbt"], lotSize: 100 }),
      ],
      "constraints",
    );
    expect(book("bitmex", "XBT")).to.deep.include({ symbol: "XBTUSD", lotSize: 100 });
    expect(book("kraken", "XBT")).to.deep.include({ symbol: "BTC-USD", lotSize: 0 });
    expect(book("kraken", "ETH").symbol).to.equal("ETH");
  });

  it("are refused where one name stands for two instruments of a venue", () => {
    const rules = [rule({ symbol: "BTC", aliases: ["COIN"] }), rule({ symbol: "ETH", aliases: ["coin"] })];
    expect(refusedFields(() => constraintBook(rules, "rebalance.constraints"))).to.deep.equal([
      "rebalance.constraints[1]",
    ]);
  });

  it("are refused where a rule for every symbol would rename them all", () => {
    const named = [rule({ symbol: "*", canonicalSymbol: "X" })];
    const aliased = [rule({ symbol: "*", aliases: ["X"] })];
    expect(refusedFields(() => constraintBook(named, "c"))).to.deep.equal(["c[0].canonical_symbol"]);
    expect(refusedFields(() => constraintBook(aliased, "c"))).to.deep.equal(["c[0].aliases"]);
  });

  it("find the rules of a book of many in time that does not grow with their number", () => {
    const rules = Array.from({ length: 20_000 }, (_, i) => rule({ symbol: `S${i}`, lotSize: 1 + i }));
    const book = constraintBook(rules, "constraints");
    expect(book("v", "s19999").lotSize).to.equal(20_000);
  });
});
