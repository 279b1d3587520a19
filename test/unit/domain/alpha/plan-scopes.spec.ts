import { expect } from "chai";
import { planScopes } from "../../../../src/domain/alpha/plan-scopes.ts";
import { columnsFromRows } from "../../../../src/domain/rebalance/columns.ts";
import { planRebalance } from "../../../../src/domain/rebalance/index.ts";
import type { RebalanceInput, RebalanceMode } from "../../../../src/domain/rebalance/types.ts";

const row = (worldId: string, strategyId: string, qty: number, mark = 10) => ({
  worldId,
  strategyId,
  symbol: "X",
  venue: undefined,
  qty,
  mark,
});

function book(changes: Partial<RebalanceInput> = {}): RebalanceInput {
  return {
    totalEquity: 1000,
    worldBefore: new Map([["w", 0.5]]),
    worldAfter: new Map([["w", 0.25]]),
    strategyBefore: new Map(),
    strategyAfter: new Map(),
    positions: columnsFromRows([row("w", "long", 3), row("w", "short", -1), row("v", "long", 2)]),
    minTradeNotional: 0,
    lotBySymbol: new Map(),
    ...changes,
  };
}

const SCALING: RebalanceMode = { kind: "scaling" };
const ratios = (...entries: [string, number][]) => new Map([["w", new Map(entries)]]);
const ofWorld = (input: RebalanceInput) => planScopes(input, SCALING).find(({ worldId }) => worldId === "w");

describe("the scopes of a plan", () => {
  it("are the worlds and strategies that the planner scales", () => {
    const inputs = [
      book(),
      book({ strategyBefore: ratios(["long", 0.3], ["gone", 0.1]) }),
      book({ strategyAfter: ratios(["long", 0.1], ["new", 0.1]) }),
      book({ strategyBefore: ratios(["long", 0.3]), strategyAfter: ratios(["short", 0.2]) }),
      book({ worldAfter: new Map([["w", 0]]), strategyAfter: new Map([["v", new Map()]]) }),
    ];
    for (const input of inputs) {
      const planned = planRebalance(input, SCALING, "v2").perWorld;
      expect(
        planScopes(input, SCALING).map(({ worldId, strategyIds }) => [worldId, strategyIds]),
      ).to.deep.equal(planned.map(({ worldId, scaleByStrategy }) => [worldId, [...scaleByStrategy.keys()]]));
    }
  });

  it("are the worlds of the shares after in overlay mode", () => {
    const worldAfter = new Map([
      ["w", 0.2],
      ["empty", 0.1],
    ]);
    const scopes = planScopes(book({ worldAfter }), { kind: "overlay", overlay: undefined });
    expect(scopes.map(({ worldId, strategyIds }) => [worldId, strategyIds])).to.deep.equal([
      ["w", ["long", "short"]],
      ["empty", []],
    ]);
  });

  it("weigh by the ratios after, else those before, else by the size of the holdings", () => {
    const after = ratios(["long", 0.1], ["short", 0.3]);
    const before = ratios(["long", 0.4]);
    expect(ofWorld(book({ strategyAfter: after, strategyBefore: before }))?.weights).to.deep.equal(
      after.get("w"),
    );
    expect(ofWorld(book({ strategyBefore: before }))?.weights).to.deep.equal(before.get("w"));
    expect(ofWorld(book())?.weights).to.deep.equal(
      new Map([
        ["long", 30],
        ["short", 10],
      ]),
    );
  });

  it("weigh a world that is closed by what it had", () => {
    const closed = book({ strategyAfter: ratios(["long", 0]), strategyBefore: ratios(["long", 0.4]) });
    expect(ofWorld(closed)?.weights).to.deep.equal(new Map([["long", 0.4]]));
  });

  it("weigh nobody where nothing is held", () => {
    const flat = book({ positions: columnsFromRows([row("w", "long", 0)]) });
    expect(ofWorld(flat)?.weights.size).to.equal(0);
  });
});
