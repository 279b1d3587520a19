import { expect } from "chai";
import {
  columnsFromRows,
  type PositionRow,
  planRebalance,
  type RebalanceInput,
  type RebalanceMode,
  type SplitInput,
  splitWorldPlan,
  splitWorldPlans,
  type WorldPlan,
} from "../../../../src/domain/rebalance/index.ts";
import { largestRemainder } from "../../../../src/domain/rebalance/shares.ts";
import {
  difference,
  type GoldenDelta,
  type GoldenNumber,
  type GoldenPosition,
  type GoldenWorldPlan,
  goldenCases,
  hasDefect,
  onlyDefects,
  toColumns,
  toMap,
} from "./golden-cases.ts";

interface AdapterInput {
  readonly world_id: string;
  readonly plan: GoldenWorldPlan;
  readonly positions: readonly GoldenPosition[];
  readonly fallback_weights: Readonly<Record<string, GoldenNumber>> | null;
}
type AdapterDelta = GoldenDelta & { readonly world_id: string; readonly strategy_id: string };

const scaling = { kind: "scaling" } as const;

function splitInput({ world_id, positions, fallback_weights }: AdapterInput): SplitInput {
  const weights = fallback_weights === null ? [] : [[world_id, toMap(fallback_weights)] as const];
  return {
    positions: toColumns(positions),
    lotBySymbol: new Map(),
    strategyAfter: new Map(weights),
    worldAfter: new Map(),
  };
}

function worldPlan({ plan }: AdapterInput): WorldPlan {
  const deltas = plan.deltas.map(({ symbol, delta_qty, venue }) => ({
    symbol,
    venue: venue ?? undefined,
    deltaQty: Number(delta_qty),
    mark: 1,
    notional: Number(delta_qty),
    residualQty: 0,
  }));
  const scaleByStrategy = toMap(plan.scale_by_strategy);
  return { worldId: plan.world_id, scaleWorld: Number(plan.scale_world), scaleByStrategy, deltas };
}

const cases = goldenCases<AdapterInput, AdapterDelta[]>("adapter");

/** One world 'w' that goes from 0.5 to 0.25, where nothing else is said. */
function request(
  rows: readonly Omit<PositionRow, "worldId" | "venue">[],
  more: Partial<RebalanceInput> = {},
): RebalanceInput {
  return {
    totalEquity: 1_000_000,
    worldBefore: new Map([["w", 0.5]]),
    worldAfter: new Map([["w", 0.25]]),
    strategyBefore: new Map(),
    strategyAfter: new Map(),
    positions: columnsFromRows(rows.map((row) => ({ worldId: "w", venue: undefined, ...row }))),
    minTradeNotional: 0,
    lotBySymbol: new Map(),
    ...more,
  };
}

function split(input: RebalanceInput, mode: RebalanceMode = scaling): [string, string, number][] {
  const { perWorld } = planRebalance(input, mode, "v2");
  return splitWorldPlans(input, mode, perWorld).deltas.map(({ strategyId, symbol, deltaQty }) => [
    strategyId,
    symbol,
    deltaQty,
  ]);
}

const ratios = (world: Record<string, number>) => new Map([["w", new Map(Object.entries(world))]]);

describe("per-strategy split", () => {
  for (const { id, input, expected } of cases.filter(onlyDefects([]))) {
    it(`gives the answer of ${id}`, () => {
      const { deltas } = splitWorldPlan(splitInput(input), scaling, worldPlan(input));
      const got = deltas.map(({ worldId, strategyId, symbol, deltaQty, venue }) => ({
        world_id: worldId,
        strategy_id: strategyId,
        symbol,
        delta_qty: deltaQty,
        venue: venue ?? null,
      }));
      expect(difference(got, expected.result)).to.equal(undefined);
    });
  }

  it("D02: refuses a delta that is no number, where the old adapter passed it on", () => {
    const found = cases.filter(hasDefect("D02"));
    expect(found.length).to.equal(1);
    for (const { input } of found) {
      expect(() => splitWorldPlan(splitInput(input), scaling, worldPlan(input))).to.throw(RangeError);
    }
  });

  it("D15: reports a delta that no strategy can take, where the old adapter dropped it silently", () => {
    const found = cases.filter(hasDefect("D15"));
    expect(found.length).to.equal(1);
    for (const { input } of found) {
      const got = splitWorldPlan(splitInput(input), scaling, worldPlan(input));
      expect(got.deltas).to.deep.equal([]);
      expect(got.skipped).to.deep.equal([
        {
          reason: "NO_STRATEGY",
          worldId: "w",
          strategyId: "",
          symbol: "X",
          venue: undefined,
          deltaQty: 1,
          notional: 1,
        },
      ]);
    }
  });

  it("D-17: charges only the strategy that must trade", () => {
    const input = request(
      [
        { strategyId: "s1", symbol: "X", qty: 10, mark: 100 },
        { strategyId: "s2", symbol: "X", qty: 10, mark: 100 },
      ],
      { strategyBefore: ratios({ s1: 0.2, s2: 0.1 }), strategyAfter: ratios({ s1: 0.1, s2: 0.1 }) },
    );
    expect(split(input)).to.deep.equal([["s1", "X", -5]]);
  });

  it("D-17: lets strategies move against each other although their world does not trade", () => {
    const input = request(
      [
        { strategyId: "s1", symbol: "X", qty: 0.2, mark: 99.7 },
        { strategyId: "s2", symbol: "X", qty: 0.1, mark: 99.7 },
      ],
      {
        strategyBefore: ratios({ s1: 0.1, s2: 0.1 }),
        strategyAfter: ratios({ s1: 0.05, s2: 0.2 }),
        lotBySymbol: new Map([["X", 0.01]]),
      },
    );
    expect(planRebalance(input, scaling, "v2").perWorld[0]?.deltas).to.deep.equal([]);
    expect(split(input)).to.deep.equal([
      ["s1", "X", -0.1],
      ["s2", "X", 0.1],
    ]);
  });

  it("D-18: gives one lot over three strategies to one of them", () => {
    const rows = ["s1", "s2", "s3"].map((strategyId) => ({ strategyId, symbol: "X", qty: 1, mark: 100 }));
    const input = request(rows, { lotBySymbol: new Map([["X", 1]]) });
    expect(split(input)).to.deep.equal([["s1", "X", -1]]);
  });

  it("charges what the lot cut off to nobody", () => {
    const rows = [
      { strategyId: "s1", symbol: "X", qty: 7, mark: 100 },
      { strategyId: "s2", symbol: "X", qty: 4, mark: 100 },
    ];
    // 5.5 wanted, 5 traded: 3.18 and 1.82 of them, the larger remainder is s2's.
    expect(split(request(rows, { lotBySymbol: new Map([["X", 1]]) }))).to.deep.equal([
      ["s1", "X", -3],
      ["s2", "X", -2],
    ]);
  });

  it("splits only the share that positions take in a hybrid", () => {
    const rows = [
      { strategyId: "s1", symbol: "X", qty: 8, mark: 100 },
      { strategyId: "s2", symbol: "PERP", qty: 5, mark: 10 },
    ];
    const overlay = {
      instrumentByWorld: new Map([["w", "PERP"]]),
      priceBySymbol: new Map([["PERP", 10]]),
      minOrderNotional: 0,
    };
    expect(split(request(rows), { kind: "hybrid", overlay, scalingFraction: 0.5 })).to.deep.equal([
      ["s1", "X", -2],
    ]);
  });

  it("gives whole numbers that sum to the total, the earlier first where remainders are equal", () => {
    expect(largestRemainder([0.5, 0.5, 1], 2)).to.deep.equal([1, 0, 1]);
    expect(largestRemainder([-0.5, -0.5, 0], -1)).to.deep.equal([-1, 0, 0]);
    expect(largestRemainder([1.2, -0.2], 1)).to.deep.equal([1, 0]);
    expect(largestRemainder([2.9999999999, 1.0000000001], 4)).to.deep.equal([3, 1]);
  });
});
