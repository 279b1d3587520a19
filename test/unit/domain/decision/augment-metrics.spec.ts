import { expect } from "chai";
import { alphaPerformance, alphaResult } from "../../../../src/domain/alpha/alpha-performance.ts";
import { defaultAlphaCalculator } from "../../../../src/domain/alpha/calculator.ts";
import type { AlphaSeries, SeriesKind } from "../../../../src/domain/alpha/series.ts";
import { augmentMetrics, type StrategyMetrics } from "../../../../src/domain/decision/augment-metrics.ts";
import { evaluate } from "../../../../src/domain/decision/evaluate.ts";
import { parsePolicy } from "../../../../src/domain/decision/parse-policy.ts";
import {
  expectAllClose,
  expectClose,
  goldenCases,
  isClose,
  numbersOf,
  tagged,
} from "../alpha/golden-cases.ts";

interface WrittenSeries {
  readonly returns?: readonly number[];
  readonly pnl?: readonly number[];
  readonly equity?: readonly number[];
}

interface AugmentInput {
  readonly metrics: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly series: Readonly<Record<string, WrittenSeries>>;
}

function series(strategyId: string, kind: SeriesKind, values: readonly number[]): AlphaSeries {
  return { worldId: "w", strategyId, kind, values, timesMs: [] };
}

/** The reference draws profits as levels; here they are profits per period, so their differences are sent. */
function toSeries([id, given]: [string, WrittenSeries]): AlphaSeries {
  if (given.equity) return series(id, "equity", given.equity);
  if (given.returns) return series(id, "returns", given.returns);
  const levels = given.pnl ?? [];
  const profits = levels.map((level, i) => level - (levels[i - 1] ?? 0));
  return { ...series(id, "pnl", profits), baseEquity: 1000 };
}

function augment(input: AugmentInput): StrategyMetrics {
  return augmentMetrics(new Map(), Object.entries(input.series).map(toSeries), defaultAlphaCalculator);
}

function linearityOnly(figures: ReadonlyMap<string, number>): Map<string, number> {
  return new Map([...figures].filter(([key]) => key.includes("el_v")));
}

describe("augmented metrics", () => {
  it("hold the recorded linearity of each strategy and of the portfolio", () => {
    for (const { id, input, expected } of goldenCases<AugmentInput>("augment_metrics")) {
      const augmented = augment(input);
      const recorded = Object.entries(expected.result ?? {});
      expect(augmented.size, id).to.equal(recorded.length);
      for (const [strategy, figures] of recorded) {
        const linearity = linearityOnly(numbersOf(figures));
        expect(linearity.size, id).to.equal(20);
        expectAllClose(augmented.get(strategy) ?? new Map(), linearity, `${id} ${strategy}`);
      }
    }
  });

  it("never replace a strategy's own alpha figures by the portfolio's (D24)", () => {
    let told = 0;
    for (const { id, input } of tagged<AugmentInput>("augment_metrics", "D24")) {
      const augmented = augment(input);
      for (const one of Object.entries(input.series).map(toSeries)) {
        const figures = augmented.get(one.strategyId) ?? new Map<string, number>();
        const own = one.kind === "returns" ? alphaPerformance(one.values).metrics : new Map<string, number>();
        for (const [key, value] of own) {
          expectClose(figures.get(key), value, `${id} ${one.strategyId} ${key}`);
          if (!isClose(figures.get(`portfolio_${key}`) ?? 0, value)) told++;
        }
      }
    }
    expect(told, "figures that the portfolio's would have replaced").to.be.greaterThan(0);
  });

  it("tell two strategies apart and give both the same portfolio (D-05)", () => {
    const augmented = augmentMetrics(
      new Map(),
      [series("up", "equity", [100, 110, 105, 130]), series("down", "equity", [100, 90, 95, 70])],
      defaultAlphaCalculator,
    );
    const [up, down] = [augmented.get("up"), augmented.get("down")];
    expect(up?.get("alpha_performance.sharpe")).to.be.above(0);
    expect(down?.get("alpha_performance.sharpe")).to.be.below(0);
    const key = "portfolio_alpha_performance.sharpe";
    expect(up?.get(key)).to.equal(down?.get(key));
    // 200, 200, 200, 200: one goes up by what the other goes down.
    expect(up?.get("portfolio_alpha_performance.max_drawdown")).to.equal(0);
  });

  it("average returns into the portfolio's, for returns do not add up as levels do", () => {
    const augmented = augmentMetrics(
      new Map(),
      [series("a", "returns", [0.02, -0.04, 0.02]), series("b", "returns", [0, 0.02, 0.04])],
      defaultAlphaCalculator,
    );
    const expected = alphaPerformance([0.01, -0.01, 0.03]).metrics;
    for (const [key, value] of expected) {
      expectClose(augmented.get("a")?.get(`portfolio_${key}`), value, key);
    }
  });

  it("leave what the caller sent as it is", () => {
    const given = new Map([
      [
        "s",
        new Map([
          ["alpha_performance.sharpe", 7],
          ["portfolio_el_v1_score", 3],
        ]),
      ],
    ]);
    const augmented = augmentMetrics(given, [series("s", "returns", [0.1, -0.1])], defaultAlphaCalculator);
    expect(augmented.get("s")?.get("alpha_performance.sharpe")).to.equal(7);
    expect(augmented.get("s")?.get("portfolio_el_v1_score")).to.equal(3);
    expect(augmented.get("s")?.has("el_v1_score")).to.equal(true);
    expect(given.get("s")?.size).to.equal(2);
  });

  it("add nothing for a series of one point, and keep its strategy", () => {
    const augmented = augmentMetrics(new Map(), [series("s", "equity", [1])], defaultAlphaCalculator);
    expect(augmented.get("s")?.size).to.equal(0);
  });

  it("let a strategy known only by its series be evaluated", () => {
    const flat = [...Array.from({ length: 50 }, () => 1), 2];
    const metrics = augmentMetrics(
      new Map(),
      [series("s_lin", "equity", [1, 2, 3, 4, 5, 6]), series("s_flat", "equity", flat)],
      defaultAlphaCalculator,
    );
    const policy = parsePolicy({ thresholds: { elv2: { metric: "el_v2_score", min: 0.7 } } });
    expect(evaluate({ metrics, correlations: [], previous: [], policy }).active).to.deep.equal(["s_lin"]);
  });

  it("carry the numbers of an injected calculator (S19)", () => {
    const fake = { wants: "statistics", calculate: () => alphaResult(() => 42) } as const;
    const augmented = augmentMetrics(new Map(), [series("s", "returns", [0.1, -0.1])], fake);
    expect(augmented.get("s")?.get("alpha_performance.sharpe")).to.equal(42);
    expect(augmented.get("s")?.get("portfolio_alpha_performance.sharpe")).to.equal(42);
  });
});
