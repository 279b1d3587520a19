import { expect } from "chai";
import {
  columnsFromRows,
  type OverlayConfig,
  type PlannerRules,
  type PositionColumns,
  type PositionRow,
  planChecked,
  type RebalanceInput,
  type RebalanceMode,
  validateRebalance,
} from "../../../../src/domain/rebalance/index.ts";
import { MAX_VIOLATIONS } from "../../../../src/domain/rebalance/validate-fields.ts";
import { refusalOf, refusedFields } from "./refusals.ts";

const scaling = { kind: "scaling" } as const;
const sound: PositionRow = {
  worldId: "w",
  strategyId: "s",
  symbol: "X",
  venue: undefined,
  qty: 1,
  mark: 100,
};

function request(more: Partial<RebalanceInput> = {}, ...rows: Partial<PositionRow>[]): RebalanceInput {
  return {
    totalEquity: 1000,
    worldBefore: new Map([["w", 0.4]]),
    worldAfter: new Map([["w", 0.2]]),
    strategyBefore: new Map(),
    strategyAfter: new Map(),
    positions: columnsFromRows((rows.length > 0 ? rows : [{}]).map((row) => ({ ...sound, ...row }))),
    minTradeNotional: 0,
    lotBySymbol: new Map(),
    ...more,
  };
}

function refused(input: RebalanceInput, rules: PlannerRules = "v2", mode: RebalanceMode = scaling): string[] {
  return refusedFields(() => validateRebalance(input, mode, rules, "rebalance"));
}

const NUMBERS = [Number.NaN, Infinity, -Infinity, -1];

describe("validation of a rebalance", () => {
  it("accepts what is sound, without a prefix too", () => {
    validateRebalance(request(), scaling, "v1", "rebalance");
    validateRebalance(request({ totalEquity: 0 }, { venue: "" }, { qty: -1 }, { qty: 0 }), scaling, "v2", "");
  });

  for (const bad of NUMBERS) {
    it(`refuses ${bad} as an amount, ratio, lot or mark, and names the field`, () => {
      const ratios = new Map([["w", bad]]);
      expect(refused(request({ totalEquity: bad }))).to.deep.equal(["rebalance.total_equity"]);
      expect(refused(request({ minTradeNotional: bad }))).to.deep.equal(["rebalance.min_trade_notional"]);
      expect(refused(request({ worldBefore: ratios }))).to.deep.equal(['rebalance.world_alloc_before["w"]']);
      expect(refused(request({ worldAfter: ratios }))).to.deep.equal(['rebalance.world_alloc_after["w"]']);
      expect(refused(request({ lotBySymbol: new Map([["X", bad]]) }))).to.deep.equal([
        'rebalance.lot_size_by_symbol["X"]',
      ]);
      expect(refused(request({ strategyAfter: new Map([["w", new Map([["s", bad]])]]) }))).to.deep.equal([
        'rebalance.strategy_alloc_after_total["w"].ratios["s"]',
      ]);
      expect(refused(request({ strategyBefore: new Map([["w", new Map([["s", bad]])]]) }))).to.deep.equal([
        'rebalance.strategy_alloc_before_total["w"].ratios["s"]',
      ]);
      for (const rules of ["v1", "v2"] as const) {
        expect(refused(request({}, {}, { mark: bad }), rules)).to.deep.equal(["rebalance.positions[1].mark"]);
      }
    });
  }

  it("refuses a ratio above 1, a lot of 0 and a quantity that is not finite", () => {
    expect(refused(request({ worldAfter: new Map([["w", 1.0001]]) }))).to.deep.equal([
      'rebalance.world_alloc_after["w"]',
    ]);
    expect(refused(request({ lotBySymbol: new Map([["X", 0]]) }))).to.deep.equal([
      'rebalance.lot_size_by_symbol["X"]',
    ]);
    for (const qty of [Number.NaN, Infinity, -Infinity]) {
      expect(refused(request({}, { qty }), "v1")).to.deep.equal(["rebalance.positions[0].qty"]);
    }
  });

  it("refuses products and sums that a double cannot hold", () => {
    expect(refused(request({}, { qty: 1e300, mark: 1e10 }))).to.deep.equal(["rebalance.positions[0].qty"]);
    expect(refused(request({}, { qty: 1e300, mark: 1.5e8 }, { qty: -1e300, mark: 1.5e8 }))).to.deep.equal([
      "rebalance.positions",
    ]);
  });

  it("refuses a plan whose figures overflow although every field is sound", () => {
    const input = request({ worldBefore: new Map([["w", 5e-324]]) });
    expect(refusedFields(() => planChecked(input, scaling, "v2", "rebalance"))).to.deep.equal([
      "rebalance.positions",
    ]);
  });

  it("names the field under which the caller sent the ratios after", () => {
    const input = request({ worldAfter: new Map([["w", 2]]) });
    const fields = refusedFields(() =>
      validateRebalance(input, scaling, "v1", "", "rows", "world_allocations"),
    );
    expect(fields).to.deep.equal(['world_allocations["w"]']);
  });

  it("refuses ids that are empty, too long, not normal or hold control characters, at the first row that has them", () => {
    const ids = ["", "x".repeat(129), "a\u0000b", "e\u0301", "\ud800", "line\nbreak"];
    for (const id of ids) {
      expect(
        refused(
          request(
            {
              worldAfter: new Map([
                ["w", 0.2],
                [id, 0],
              ]),
            },
            {},
            { worldId: id },
          ),
          "v1",
        ).at(-1),
      ).to.equal("rebalance.positions[1].world_id");
      expect(refused(request({}, {}, { strategyId: id }))).to.deep.equal([
        "rebalance.positions[1].strategy_id",
      ]);
      expect(refused(request({}, {}, { symbol: id }))).to.deep.equal(["rebalance.positions[1].symbol"]);
      if (id !== "")
        expect(refused(request({}, {}, { venue: id }))).to.deep.equal(["rebalance.positions[1].venue"]);
    }
    validateRebalance(
      request({}, { symbol: "한".repeat(128) }, { symbol: "\u{1f4b0}".repeat(128) }),
      scaling,
      "v2",
      "",
    );
  });

  it("shows only the beginning of an absurdly long key", () => {
    const [field] = refused(request({ lotBySymbol: new Map([["x".repeat(10_000), 1]]) }));
    expect(field).to.equal(`rebalance.lot_size_by_symbol["${"x".repeat(64)}…"]`);
  });

  it("lists the first violations and counts them all", () => {
    const rows = Array.from({ length: 50 }, () => ({ mark: -1 }));
    const refusal = refusalOf(() => validateRebalance(request({}, ...rows), scaling, "v2", "rebalance"));
    expect(refusal.violations.length).to.equal(MAX_VIOLATIONS);
    expect(refusal.metadata).to.deep.equal({ violations: "50" });
    expect(refusal.message).to.match(/and 30 more$/);
  });

  it("looks for the rows of the bad names it lists, not of all there are", () => {
    const rows = Array.from({ length: 500 }, (_, row) => ({ symbol: `\u0007${row}` }));
    const { positions } = request({}, ...rows);
    let searches = 0;
    class CountedIds extends Uint32Array<ArrayBuffer> {
      override indexOf(id: number): number {
        searches++;
        return super.indexOf(id);
      }
    }
    const input = request({ positions: { ...positions, symbol: CountedIds.from(positions.symbol) } });
    const refusal = refusalOf(() => validateRebalance(input, scaling, "v1", "rebalance"));
    expect(refusal.metadata).to.deep.equal({ violations: "500" });
    expect(refusal.violations.at(-1)?.field).to.equal(`rebalance.positions[${MAX_VIOLATIONS - 1}].symbol`);
    expect(searches).to.equal(MAX_VIOLATIONS);
  });
});

describe("validation under v2", () => {
  it("refuses what v1 answers with a warning", () => {
    const noRatio = request({ worldAfter: new Map() });
    const noMark = request({}, { mark: 0 });
    for (const input of [noRatio, noMark]) validateRebalance(input, scaling, "v1", "rebalance");
    expect(refused(noRatio)).to.deep.equal(['rebalance.world_alloc_after["w"]']);
    expect(refused(noMark)).to.deep.equal(["rebalance.positions[0].mark"]);
  });

  it("refuses holdings of a strategy that a given map leaves out, before and after", () => {
    const other = new Map([["w", new Map([["other", 0.1]])]]);
    expect(refused(request({ strategyBefore: other, strategyAfter: other }))).to.deep.equal([
      'rebalance.strategy_alloc_before_total["w"].ratios["s"]',
      'rebalance.strategy_alloc_after_total["w"].ratios["s"]',
    ]);
  });

  it("asks no ratio for what is flat", () => {
    const other = new Map([["w", new Map([["s", 0.1]])]]);
    validateRebalance(
      request({ strategyAfter: other }, {}, { strategyId: "gone", qty: 0 }, { worldId: "v", qty: 0 }),
      scaling,
      "v2",
      "",
    );
  });

  it("checks what a mode carries", () => {
    const overlay: OverlayConfig = {
      instrumentByWorld: new Map([["w", "P\n"]]),
      priceBySymbol: new Map([["P\n", 1]]),
      minOrderNotional: -1,
    };
    expect(refused(request(), "v2", { kind: "hybrid", overlay, scalingFraction: 1.5 })).to.deep.equal([
      "rebalance.hybrid.scaling_fraction",
      "rebalance.hybrid.overlay.min_order_notional",
      'rebalance.hybrid.overlay.instrument_by_world["w"]',
      'rebalance.hybrid.overlay.price_by_symbol["P\\n"]',
    ]);
    expect(refused(request(), "v2", { kind: "overlay", overlay })[0]).to.equal(
      "rebalance.overlay.min_order_notional",
    );
  });
});

describe("validation of a position table", () => {
  const table = (more: Partial<PositionColumns>): string[] => {
    const { positions, ...rest } = request({}, {}, {});
    const input = { ...rest, positions: { ...positions, ...more } };
    return refusedFields(() => validateRebalance(input, scaling, "v2", "rebalance", "table"));
  };

  it("refuses columns of unequal length", () => {
    expect(table({ symbol: new Uint32Array(1), mark: new Float64Array(3) })).to.deep.equal([
      "rebalance.position_table.symbol",
      "rebalance.position_table.mark",
    ]);
  });

  it("refuses indexes outside of their dictionary", () => {
    expect(table({ world: Uint32Array.of(0, 1), venue: Uint32Array.of(1, 0) })).to.deep.equal([
      "rebalance.position_table.world[1]",
      "rebalance.position_table.venue[0]",
    ]);
  });

  it("refuses a dictionary that names an id twice or badly", () => {
    expect(table({ worlds: ["w", "w"], symbols: ["X", "\u0007"] })).to.deep.equal([
      "rebalance.position_table.worlds[1]",
      "rebalance.position_table.symbols[1]",
    ]);
  });

  it("refuses figures at their place in the column", () => {
    expect(table({ qty: Float64Array.of(1, Number.NaN), mark: Float64Array.of(0, 1) })).to.deep.equal([
      "rebalance.position_table.mark[0]",
      "rebalance.position_table.qty[1]",
    ]);
  });
});
