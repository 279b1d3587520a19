import { expect } from "chai";
import {
  type PlannerRules,
  type PlanWarning,
  planChecked,
  planRebalance,
  type RebalanceInput,
  type RebalancePlan,
  type SymbolDelta,
  type WarningCode,
} from "../../../../src/domain/rebalance/index.ts";
import {
  difference,
  fromDeltas,
  fromWorlds,
  type GoldenContext,
  type GoldenPlan,
  type GoldenPosition,
  goldenPlannerCases,
  hasDefect,
  toInput,
} from "./golden-cases.ts";
import { refusedFields } from "./refusals.ts";

const cases = goldenPlannerCases();
const scaling = { kind: "scaling" } as const;

interface DefectCase {
  readonly id: string;
  readonly context: GoldenContext;
  readonly input: RebalanceInput;
  readonly old: GoldenPlan | undefined;
}

/** The golden cases with a defect; at least one, or the test would show nothing. */
function withDefect(tag: string): DefectCase[] {
  const found = cases.filter(hasDefect(tag)).map(({ id, input, expected }) => ({
    id,
    context: input,
    input: toInput(input),
    old: expected.result,
  }));
  expect(found.length, tag).to.be.greaterThan(0);
  return found;
}

const planOf = ({ input }: DefectCase, rules: PlannerRules): RebalancePlan =>
  planRebalance(input, scaling, rules);

const refusedBy = ({ input }: DefectCase, rules: PlannerRules): string[] =>
  refusedFields(() => planChecked(input, scaling, rules, "rebalance"));

const named = (plan: RebalancePlan, code: WarningCode): PlanWarning[] =>
  plan.warnings.filter((warning) => warning.code === code);

/** Worlds that hold something and have no ratio after. */
function forgottenWorlds({ worldAfter, positions }: RebalanceInput): string[] {
  const held = positions.worlds.filter((_, world) =>
    positions.world.some((id, row) => id === world && positions.qty[row] !== 0),
  );
  return held.filter((world) => !worldAfter.has(world));
}

function sumOf(ratios: ReadonlyMap<string, number> | undefined): number {
  return [...(ratios?.values() ?? [])].reduce((sum, ratio) => sum + ratio, 0);
}

/** Scales of a world's strategies that are their own and not their world's. */
function ownScales({ perWorld }: RebalancePlan, worldId: string): [string, number][] {
  const world = perWorld.find((each) => each.worldId === worldId);
  return [...(world?.scaleByStrategy ?? [])].filter(([, scale]) => scale !== world?.scaleWorld);
}

/** Whether a row with a mark above 0 is of the key that a warning is about. */
function isPriced(row: GoldenPosition, { worldId, symbol, venue }: PlanWarning): boolean {
  const same = row.world_id === worldId && row.symbol === symbol && row.venue === (venue ?? null);
  return same && Number(row.mark) > 0;
}

function lotsOf(delta: SymbolDelta, input: RebalanceInput): number | undefined {
  const lot = input.lotBySymbol.get(delta.symbol);
  return lot === undefined ? undefined : delta.deltaQty / lot;
}

describe("defects of the old planner", () => {
  it("D01: loses no lot to float rounding, where the old planner lost one", () => {
    for (const golden of withDefect("D01")) {
      const exact = planOf({ ...golden, input: { ...golden.input, lotBySymbol: new Map() } }, "v1");
      const plan = planOf(golden, "v1");
      const wanted = new Map(
        exact.perWorld.flatMap(({ worldId, deltas }) =>
          deltas.map(
            (delta) => [JSON.stringify([worldId, delta.venue, delta.symbol]), delta.deltaQty] as const,
          ),
        ),
      );
      for (const { worldId, deltas } of plan.perWorld) {
        for (const delta of deltas) {
          const lot = golden.input.lotBySymbol.get(delta.symbol) ?? 0;
          if (lot === 0) continue;
          const want = wanted.get(JSON.stringify([worldId, delta.venue, delta.symbol])) as number;
          const whole = Math.floor(Math.abs(want) / lot + 1e-9) * lot;
          expect(Math.abs(delta.deltaQty), golden.id).to.be.closeTo(whole, 1e-9);
        }
      }
      expect(difference(fromWorlds(plan.perWorld), golden.old?.per_world), golden.id).to.not.equal(undefined);
    }
  });

  it("D02: refuses not-a-number and infinity in both versions, where the old planner passed them on", () => {
    const fields = withDefect("D02").map((golden) => {
      expect(refusedBy(golden, "v2"), golden.id).to.deep.equal(refusedBy(golden, "v1"));
      return [golden.id, ...refusedBy(golden, "v1")];
    });
    expect(fields).to.deep.equal([
      ["planner-0022", 'rebalance.world_alloc_after["w"]'],
      ["planner-0024", 'rebalance.world_alloc_after["w"]'],
      ["planner-0038", "rebalance.positions[0].mark"],
      ["planner-0039", "rebalance.positions[0].mark"],
      ["planner-0041", "rebalance.positions[0].qty"],
      ["planner-0110", "rebalance.min_trade_notional"],
    ]);
  });

  it("D03: warns in v1 of positions without a mark and refuses them in v2, where the old planner kept them silently", () => {
    for (const golden of withDefect("D03")) {
      const { mark } = golden.input.positions;
      const rows = [...mark.keys()].filter((row) => (mark[row] as number) <= 0);
      const paths = rows.map((row) => `rebalance.positions[${row}].mark`);
      expect(refusedBy(golden, "v2"), golden.id).to.include.members(paths);
      if (mark.some((price) => price < 0)) expect(refusedBy(golden, "v1"), golden.id).to.deep.equal(paths);
      else expect(named(planOf(golden, "v1"), "ZERO_MARK"), golden.id).to.have.length.greaterThan(0);
    }
  });

  it("D04: names every world without positions, which the old planner left out without a word", () => {
    for (const golden of withDefect("D04")) {
      for (const rules of ["v1", "v2"] as const) {
        const plan = planOf(golden, rules);
        const planned = plan.perWorld.map(({ worldId }) => worldId);
        const warned = named(plan, "WORLD_WITHOUT_POSITIONS").map(({ worldId }) => worldId);
        expect(warned, golden.id).to.have.length.greaterThan(0);
        const ratios = [...golden.input.worldBefore, ...golden.input.worldAfter].filter(
          ([, ratio]) => ratio !== 0,
        );
        expect([...planned, ...warned], golden.id).to.include.members(ratios.map(([world]) => world));
        expect(planned.filter((world) => warned.includes(world))).to.deep.equal([]);
      }
    }
  });

  it("D05: warns in v1 before closing a world that is missing after and refuses it in v2", () => {
    for (const golden of withDefect("D05")) {
      const worlds = forgottenWorlds(golden.input);
      expect(worlds, golden.id).to.have.length.greaterThan(0);
      const warned = named(planOf(golden, "v1"), "WORLD_MISSING_IN_AFTER").map(({ worldId }) => worldId);
      expect(warned, golden.id).to.deep.equal(worlds);
      const paths = worlds.map((world) => `rebalance.world_alloc_after["${world}"]`);
      expect(refusedBy(golden, "v2"), golden.id).to.include.members(paths);
    }
  });

  it("D07: warns in v1 of strategies that follow their world for want of a ratio and refuses them in v2", () => {
    for (const golden of withDefect("D07")) {
      const warned = named(planOf(golden, "v1"), "STRATEGY_FOLLOWS_WORLD");
      expect(warned, golden.id).to.have.length.greaterThan(0);
      const missing = warned.filter(
        ({ worldId, strategyId }) => golden.input.strategyAfter.get(worldId)?.has(strategyId) === false,
      );
      expect(missing, golden.id).to.have.length.greaterThan(0);
      const paths = missing.map(
        ({ worldId, strategyId }) =>
          `rebalance.strategy_alloc_after_total["${worldId}"].ratios["${strategyId}"]`,
      );
      const shown = refusedBy(golden, "v2").filter((field) => field.includes("after_total"));
      expect(shown, golden.id).to.have.members(paths);
    }
  });

  it("D08: warns of strategies that ask for more than their world has; v2 scales them down to it", () => {
    for (const golden of withDefect("D08")) {
      const { strategyAfter, worldAfter } = golden.input;
      const v1 = planOf(golden, "v1");
      const v2 = planOf(golden, "v2");
      const greedy = named(v1, "STRATEGY_SUM_EXCEEDS_WORLD").map(({ worldId }) => worldId);
      expect(greedy, golden.id).to.have.length.greaterThan(0);
      expect(named(v2, "STRATEGY_SUM_EXCEEDS_WORLD").map(({ worldId }) => worldId)).to.deep.equal(greedy);
      for (const worldId of greedy) {
        const cap = (worldAfter.get(worldId) ?? 0) / sumOf(strategyAfter.get(worldId));
        expect(cap, golden.id).to.be.lessThan(1);
        for (const [strategy, scale] of ownScales(v1, worldId)) {
          const capped = v2.perWorld
            .find((world) => world.worldId === worldId)
            ?.scaleByStrategy.get(strategy);
          expect(capped, golden.id).to.be.closeTo(scale * cap, 1e-9 * Math.max(1, scale));
        }
      }
    }
  });

  it("D09: warns of different marks for one symbol of a world; v2 averages them by |quantity|", () => {
    for (const golden of withDefect("D09")) {
      expect(
        named(planOf(golden, "v1"), "MIXED_MARKS").length + named(planOf(golden, "v1"), "ZERO_MARK").length,
      ).to.be.greaterThan(0);
      const plan = planOf(golden, "v2");
      for (const warning of named(plan, "MIXED_MARKS")) {
        const deltas = plan.perWorld.find(({ worldId }) => worldId === warning.worldId)?.deltas ?? [];
        const delta = deltas.find(
          ({ symbol, venue }) => symbol === warning.symbol && venue === warning.venue,
        );
        if (delta === undefined) continue;
        const rows = golden.context.positions.filter((row) => isPriced(row, warning));
        const size = rows.reduce((so, { qty }) => so + Math.abs(Number(qty)), 0);
        const value = rows.reduce((so, { qty, mark }) => so + Math.abs(Number(qty)) * Number(mark), 0);
        expect(delta.mark, golden.id).to.be.closeTo(value / size, 1e-9 * (value / size));
      }
    }
  });

  it("D10: gives the sum of the worlds' deltas, in whole lots, where the old global delta was off the lot", () => {
    for (const golden of withDefect("D10")) {
      for (const rules of ["v1", "v2"] as const) {
        const plan = planOf(golden, rules);
        expect(difference(fromDeltas(plan.globalDeltas), golden.old?.global_deltas), golden.id).to.not.equal(
          undefined,
        );
        for (const global of plan.globalDeltas) {
          const parts = plan.perWorld.flatMap(({ deltas }) =>
            deltas.filter(({ symbol, venue }) => symbol === global.symbol && venue === global.venue),
          );
          const sum = parts.reduce((so, { deltaQty }) => so + deltaQty, 0);
          expect(global.deltaQty, golden.id).to.be.closeTo(sum, 1e-9);
          const lots = lotsOf(global, golden.input);
          if (lots !== undefined) expect(lots, golden.id).to.be.closeTo(Math.round(lots), 1e-6);
        }
      }
    }
  });

  it("refuses the negative minimum, ratio and equity that the planner itself computes with", () => {
    const refused = ["planner-0109", "planner-0122", "planner-0131"].map((id) => {
      const golden = cases.find((each) => each.id === id);
      return golden === undefined
        ? []
        : refusedFields(() => planChecked(toInput(golden.input), scaling, "v1", "rebalance"));
    });
    expect(refused).to.deep.equal([
      ["rebalance.min_trade_notional"],
      ['rebalance.strategy_alloc_after_total["w"].ratios["s1"]'],
      ["rebalance.total_equity"],
    ]);
  });
});
