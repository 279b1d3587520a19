import { expect } from "chai";
import fc from "fast-check";
import {
  columnsFromRows,
  type OperationCounter,
  type PlannerRules,
  type PositionRow,
  planChecked,
  planRebalance,
  type RebalanceInput,
  type RebalanceMode,
  type SymbolDelta,
  splitWorldPlans,
} from "../../../src/domain/rebalance/index.ts";
import { overlays, requests } from "./arbitraries.ts";

const scaling = { kind: "scaling" } as const;
const rulesets = fc.constantFrom<PlannerRules>("v1", "v2");
const keyOf = ({ symbol, venue }: Pick<SymbolDelta, "symbol" | "venue">): string =>
  JSON.stringify([venue ?? null, symbol]);

/** Whole lots of a quantity, which must be whole. */
function lotsOf(quantity: number, lot: number): number {
  const lots = Math.round(quantity / lot);
  expect(quantity).to.be.closeTo(lots * lot, 1e-9 * Math.max(1, Math.abs(quantity)));
  return lots;
}

function addTo(sums: Map<string, number>, key: string, figure: number): void {
  sums.set(key, (sums.get(key) ?? 0) + figure);
}

/** Σ of figures by key, without the keys that sum to 0. */
function nonZero(sums: Map<string, number>): Map<string, number> {
  return new Map([...sums].filter(([, sum]) => sum !== 0));
}

describe("conservation of lots", () => {
  it("makes strategies sum to their world and worlds to the whole, in whole lots", () => {
    fc.assert(
      fc.property(requests({ mixed: true }), rulesets, ({ input }, rules) => {
        // A lot for every symbol and no minimum, so that every level can be counted in whole lots.
        const lotBySymbol = new Map(
          input.positions.symbols.map((symbol) => [symbol, input.lotBySymbol.get(symbol) ?? 0.001]),
        );
        const whole = { ...input, lotBySymbol, minTradeNotional: 0 };
        const plan = planRebalance(whole, scaling, rules);
        const split = splitWorldPlans(whole, scaling, plan.perWorld);
        expect(split.skipped).to.deep.equal([]);
        const [strategies, worlds, sums] = [
          new Map<string, number>(),
          new Map<string, number>(),
          new Map<string, number>(),
        ];
        const lots = ({ symbol, deltaQty }: { symbol: string; deltaQty: number }) =>
          lotsOf(deltaQty, lotBySymbol.get(symbol) as number);
        for (const delta of split.deltas) addTo(strategies, delta.worldId + keyOf(delta), lots(delta));
        for (const { worldId, deltas } of plan.perWorld) {
          for (const delta of deltas) {
            addTo(worlds, worldId + keyOf(delta), lots(delta));
            addTo(sums, keyOf(delta), lots(delta));
          }
        }
        expect(nonZero(strategies)).to.deep.equal(nonZero(worlds));
        const global = new Map(plan.globalDeltas.map((delta) => [keyOf(delta), lots(delta)]));
        expect(global).to.deep.equal(nonZero(sums));
      }),
    );
  });

  it("charges nobody whose strategy wants no change", () => {
    fc.assert(
      fc.property(requests({ mixed: false }), ({ input }) => {
        const plan = planRebalance(input, scaling, "v2");
        const scales = new Map(plan.perWorld.map((world) => [world.worldId, world]));
        for (const { worldId, strategyId } of splitWorldPlans(input, scaling, plan.perWorld).deltas) {
          const world = scales.get(worldId);
          expect(world?.scaleByStrategy.get(strategyId) ?? world?.scaleWorld).to.not.equal(1);
        }
      }),
    );
  });

  it("never trades more than was wanted, and tells what it did not trade", () => {
    fc.assert(
      fc.property(requests({ mixed: false }), ({ input }) => {
        const free = planRebalance({ ...input, lotBySymbol: new Map(), minTradeNotional: 0 }, scaling, "v2");
        const plan = planRebalance(input, scaling, "v2");
        for (const [at, { worldId, deltas }] of plan.perWorld.entries()) {
          const told = new Map(deltas.map((delta) => [keyOf(delta), delta.deltaQty + delta.residualQty]));
          for (const skip of plan.skipped) if (skip.worldId === worldId) told.set(keyOf(skip), skip.deltaQty);
          for (const wanted of free.perWorld[at]?.deltas ?? []) {
            expect(told.get(keyOf(wanted))).to.be.closeTo(
              wanted.deltaQty,
              1e-9 * Math.max(1, Math.abs(wanted.deltaQty)),
            );
          }
        }
      }),
    );
  });
});

describe("hybrid exposure", () => {
  it("lands within the larger of one overlay lot and the minimum order of its target", () => {
    fc.assert(
      fc.property(
        requests({ mixed: false }),
        overlays,
        fc.double({ min: 0, max: 1, noNaN: true }),
        ({ input }, { lots, ...overlay }, scalingFraction) => {
          const full = { ...input, lotBySymbol: new Map([...input.lotBySymbol, ...lots]) };
          const wanted = planRebalance(
            { ...input, lotBySymbol: new Map(), minTradeNotional: 0 },
            scaling,
            "v2",
          );
          const plan = planRebalance(full, { kind: "hybrid", overlay, scalingFraction }, "v2");
          for (const [at, { worldId, deltas }] of plan.perWorld.entries()) {
            const symbol = overlay.instrumentByWorld.get(worldId) as string;
            const price = overlay.priceBySymbol.get(symbol) as number;
            const own = plan.overlayDeltas.find((delta) => delta.worldId === worldId);
            const moved = deltas.reduce((sum, { notional }) => sum + notional, (own?.deltaQty ?? 0) * price);
            const parts = wanted.perWorld[at]?.deltas ?? [];
            const target = parts.reduce((sum, { notional }) => sum + notional, 0);
            const gross = parts.reduce((sum, { notional }) => sum + Math.abs(notional), 0);
            const bound = Math.max((lots.get(symbol) as number) * price, overlay.minOrderNotional);
            expect(Math.abs(moved - target)).to.be.at.most(bound * (1 + 1e-9) + 1e-8 * gross);
          }
        },
      ),
    );
  });
});

interface Figures {
  readonly worlds: Map<string, SymbolDelta>;
  readonly globals: Map<string, SymbolDelta>;
}

function figuresOf(input: RebalanceInput, rules: PlannerRules): Figures {
  const plan = planRebalance(input, scaling, rules);
  const worlds = plan.perWorld.flatMap(({ worldId, deltas }) =>
    deltas.map((delta) => [worldId + keyOf(delta), delta] as const),
  );
  return {
    worlds: new Map(worlds),
    globals: new Map(plan.globalDeltas.map((delta) => [keyOf(delta), delta])),
  };
}

/** Equal but for float noise; at a boundary a quantity may be off by one lot of each world it is the sum of. */
function expectSame(
  one: Map<string, SymbolDelta>,
  other: Map<string, SymbolDelta>,
  input: RebalanceInput,
  worlds: number,
): void {
  const pairs = [...new Set([...one.keys(), ...other.keys()])].map((key) => [one.get(key), other.get(key)]);
  for (const pair of pairs) {
    const [a, b] = pair.map((delta) => delta?.deltaQty ?? 0) as [number, number];
    const symbol = pair.find((delta) => delta !== undefined)?.symbol as string;
    const lots = (input.lotBySymbol.get(symbol) ?? 0) * worlds;
    expect(Math.abs(a - b)).to.be.at.most(lots + 1e-9 * Math.max(1, Math.abs(a), Math.abs(b)));
  }
}

describe("order of positions", () => {
  it("changes the order of the answer, and its figures by float noise or a lot at a boundary", () => {
    const shuffled = requests({ mixed: true }).chain((request) =>
      fc.tuple(
        fc.constant(request),
        fc.shuffledSubarray([...request.rows], { minLength: request.rows.length }),
      ),
    );
    fc.assert(
      fc.property(shuffled, rulesets, ([{ input }, rows], rules) => {
        // A minimum would turn noise at its boundary into a whole delta: it is left out.
        const request = { ...input, minTradeNotional: 0 };
        const here = figuresOf(request, rules);
        const there = figuresOf({ ...request, positions: columnsFromRows(rows) }, rules);
        expectSame(here.worlds, there.worlds, input, 1);
        expectSame(here.globals, there.globals, input, 3);
      }),
    );
  });
});

describe("scaling by 1", () => {
  const still = requests({ mixed: true }).map(({ input }) => {
    const worldBefore = new Map([...input.worldBefore].map(([world, ratio]) => [world, ratio + 0.01]));
    return {
      ...input,
      worldBefore,
      worldAfter: worldBefore,
      strategyBefore: new Map(),
      strategyAfter: new Map(),
    };
  });

  it("gives no deltas and drops none", () => {
    fc.assert(
      fc.property(still, rulesets, (input, rules) => {
        const plan = planRebalance(input, scaling, rules);
        expect(plan.perWorld.flatMap(({ deltas }) => deltas)).to.deep.equal([]);
        expect([plan.globalDeltas, plan.skipped]).to.deep.equal([[], []]);
      }),
    );
  });

  it("gives none in overlay and hybrid either", () => {
    fc.assert(
      fc.property(
        still,
        overlays,
        fc.constantFrom("overlay", "hybrid"),
        (input, { lots, ...overlay }, kind) => {
          const mode: RebalanceMode =
            kind === "overlay" ? { kind, overlay } : { kind: "hybrid", overlay, scalingFraction: 0.5 };
          const plan = planRebalance({ ...input, lotBySymbol: lots }, mode, "v2");
          expect([plan.overlayDeltas, plan.globalDeltas]).to.deep.equal([[], []]);
        },
      ),
    );
  });
});

/** The same positions, with dictionaries in another order and names that no row uses. */
function otherColumns(rows: readonly PositionRow[]): RebalanceInput["positions"] {
  const extra: PositionRow = {
    worldId: "unused",
    strategyId: "unused",
    symbol: "unused",
    venue: "unused",
    qty: 1,
    mark: 1,
  };
  const reversed = columnsFromRows([extra, ...rows.toReversed()]);
  const order = Array.from({ length: rows.length }, (_, at) => rows.length - at);
  const ids = (from: Uint32Array): Uint32Array => Uint32Array.from(order, (row) => from[row] as number);
  const figures = (from: Float64Array): Float64Array =>
    Float64Array.from(order, (row) => from[row] as number);
  return {
    ...reversed,
    count: rows.length,
    world: ids(reversed.world),
    strategy: ids(reversed.strategy),
    symbol: ids(reversed.symbol),
    venue: ids(reversed.venue),
    qty: figures(reversed.qty),
    mark: figures(reversed.mark),
  };
}

describe("columns and rows", () => {
  it("give the same plan, to the bit and in the same order, whatever the dictionaries", () => {
    fc.assert(
      fc.property(requests({ mixed: true }), rulesets, ({ input, rows }, rules) => {
        const table = { ...input, positions: otherColumns(rows) };
        expect(planRebalance(table, scaling, rules)).to.deep.equal(planRebalance(input, scaling, rules));
      }),
    );
  });

  it("are accepted and refused alike", () => {
    fc.assert(
      fc.property(requests({ mixed: true }), overlays, ({ input, rows }, overlay) => {
        const table = { ...input, positions: otherColumns(rows) };
        const outcome = (request: RebalanceInput, source: "rows" | "table") => {
          try {
            return planChecked(request, { kind: "overlay", overlay }, "v2", "r", source).overlayDeltas;
          } catch (error) {
            return (error as Error).name;
          }
        };
        expect(outcome(table, "table")).to.deep.equal(outcome(input, "rows"));
      }),
    );
  });
});

describe("cost of planning", () => {
  const steps = (input: RebalanceInput): number => {
    const counter: OperationCounter = { operations: 0 };
    planRebalance(input, scaling, "v2", counter);
    return counter.operations;
  };

  /** Positions over as many names as asked for, in no order a table would like. */
  function spread(count: number, worlds: number, symbols: number): RebalanceInput {
    const pick = (from: string, size: number, at: number, stride: number) => `${from}${(at * stride) % size}`;
    const rows = Array.from({ length: count }, (_, at) => ({
      worldId: pick("w", worlds, at, 7),
      strategyId: pick("s", 5, at, 3),
      symbol: pick("X", symbols, at, 7919),
      venue: pick("v", 3, at, 1),
      qty: 1 + (at % 17),
      mark: 1 + (at % 13),
    }));
    const names = Array.from({ length: worlds }, (_, at) => `w${at}`);
    return {
      totalEquity: 1e6,
      worldBefore: new Map(names.map((name) => [name, 0.5 / worlds])),
      worldAfter: new Map(names.map((name) => [name, 0.4 / worlds])),
      strategyBefore: new Map(),
      strategyAfter: new Map(),
      positions: columnsFromRows(rows),
      minTradeNotional: 0,
      lotBySymbol: new Map(),
    };
  }

  it("grows with positions in proportion, with few names and with as many names as positions", () => {
    const names = fc.constantFrom<(count: number) => [number, number]>(
      () => [4, 20],
      (count) => [4, count],
      (count) => [count, 20],
      (count) => [count, count],
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 200, max: 400 }),
        fc.integer({ min: 8, max: 32 }),
        names,
        (count, factor, namesOf) => {
          const small = steps(spread(count, ...namesOf(count)));
          const large = steps(spread(count * factor, ...namesOf(count * factor)));
          expect(small).to.be.at.least(count);
          // Tables double in size and change their kind, so that the cost of a row wavers; it does not grow.
          expect(large / small).to.be.at.most(factor * 2);
        },
      ),
      { numRuns: 40 },
    );
  });
});
