import { expect } from "chai";
import {
  type AlphaResult,
  alphaPerformance,
  measureAlpha,
  unknownAlpha,
} from "../../../../src/domain/alpha/alpha-performance.ts";
import { type ExecutionFill, executionCosts } from "../../../../src/domain/alpha/execution-costs.ts";
import { ALPHA_KEYS, ALPHA_PREFIX } from "../../../../src/domain/alpha/metric-spec.ts";
import { equityToReturns } from "../../../../src/domain/alpha/series.ts";
import { appendReturns, emptyStatistics } from "../../../../src/domain/alpha/statistics.ts";
import {
  expectAllClose,
  expectClose,
  type GoldenCase,
  numbersOf,
  sound,
  tagged,
  toNumber,
  type Written,
} from "./golden-cases.ts";

interface WrittenFill {
  readonly commission: number;
  readonly slippage: number;
  readonly quantity: number;
  readonly market_impact: number;
  readonly execution_shortfall: number;
}

interface PerformanceInput {
  readonly returns: readonly Written[];
  readonly risk_free_rate: number;
  readonly transaction_cost: number;
  readonly execution_fills: readonly WrittenFill[];
  readonly use_realistic_costs: boolean;
}

interface SeriesChoice {
  readonly returns?: readonly Written[];
  readonly pnl?: readonly Written[];
  readonly equity?: readonly Written[];
}

function toFill(fill: WrittenFill): ExecutionFill {
  const { commission, slippage, quantity, market_impact, execution_shortfall } = fill;
  return {
    commission,
    slippage,
    quantity,
    marketImpact: market_impact,
    executionShortfall: execution_shortfall,
  };
}

function compute(input: PerformanceInput): { result: AlphaResult; all: Map<string, number> } {
  const returns = input.returns.map(toNumber).filter((value) => !Number.isNaN(value));
  const fills = input.use_realistic_costs ? input.execution_fills.map(toFill) : [];
  const costs = executionCosts(fills, returns.length);
  const result = alphaPerformance(returns, {
    riskFreeRate: input.risk_free_rate,
    transactionCost: costs.costPerPeriod ?? input.transaction_cost,
  });
  return { result, all: new Map<string, number>([...result.metrics, ...costs.figures]) };
}

function figure(result: AlphaResult, name: string): number | undefined {
  return new Map<string, number>(result.metrics).get(`alpha_performance.${name}`);
}

function reasonOf(result: AlphaResult, name: string): string | undefined {
  return result.missing.find(({ metrics }) => metrics.some((key) => key === `alpha_performance.${name}`))
    ?.reason;
}

/** Finite recorded figures must be met; an infinite one must be 0.0 and reported as unknown. */
function expectRecorded(result: AlphaResult, { id, expected }: GoldenCase<unknown>): void {
  for (const [key, value] of numbersOf(expected.result)) {
    if (!key.startsWith(ALPHA_PREFIX)) continue;
    const name = key.replace("alpha_performance.", "");
    if (Number.isFinite(value)) expectClose(figure(result, name), value, `${id} ${name}`);
    else {
      expect(figure(result, name), `${id} ${name}`).to.equal(0);
      expect(reasonOf(result, name), `${id} ${name}`).to.be.oneOf(["NOT_COMPUTABLE", "TOO_FEW_POINTS"]);
    }
  }
}

describe("alpha performance", () => {
  it("gives the recorded figures, costs of fills included", () => {
    for (const one of sound<PerformanceInput>("alpha_performance")) {
      const { all } = compute(one.input);
      const recorded = numbersOf(one.expected.result);
      expectAllClose(all, recorded, one.id);
      expect([...all.keys()].sort(), one.id).to.deep.equal([...recorded.keys()].sort());
    }
  });

  it("gives the recorded figures of returns and of levels", () => {
    for (const one of sound<SeriesChoice>("alpha_from_series")) {
      const { returns = [], equity = [] } = one.input;
      const levels = equity.map(toNumber);
      const result = alphaPerformance(returns.length > 0 ? returns.map(toNumber) : equityToReturns(levels));
      expectRecorded(result, one);
    }
  });

  it("answers 0.0 with a reason where the reference answered infinity (D20)", () => {
    for (const one of tagged<PerformanceInput>("alpha_performance", "D20")) {
      if (one.defects.length > 1) continue;
      expectRecorded(compute(one.input).result, one);
    }
  });

  it("gives a constant series a Sharpe ratio of 0, not 7e15 (D21)", () => {
    for (const one of tagged<PerformanceInput>("alpha_performance", "D21")) {
      const { result } = compute(one.input);
      expect(figure(result, "sharpe"), one.id).to.equal(0);
      expect(reasonOf(result, "sharpe"), one.id).to.equal("NOT_COMPUTABLE");
    }
    for (const constant of [0.1, -0.1, 1 / 3, 1e-9]) {
      const result = alphaPerformance(
        Array.from({ length: 1000 }, () => constant),
        { riskFreeRate: 0.02 },
      );
      expect(figure(result, "sharpe"), `${constant}`).to.equal(0);
    }
  });

  it("gives equal growth from level to level a Sharpe ratio of 0, whatever the last bits say", () => {
    const levels = Array.from({ length: 300 }, (_, i) => 100 * 1.01 ** i);
    expect(figure(alphaPerformance(equityToReturns(levels)), "sharpe")).to.equal(0);
  });

  it("never reports a drawdown of more than the whole capital (D22)", () => {
    for (const one of tagged<PerformanceInput>("alpha_performance", "D22")) {
      const { result } = compute(one.input);
      const recorded = numbersOf(one.expected.result);
      expect(recorded.get("alpha_performance.max_drawdown"), one.id).to.be.below(-1);
      expect(figure(result, "max_drawdown"), one.id).to.equal(-1);
      for (const name of ["sharpe", "win_ratio", "profit_factor"]) {
        const key = `alpha_performance.${name}`;
        expectClose(figure(result, name), recorded.get(key) ?? Number.NaN, `${one.id} ${name}`);
      }
      expect(figure(result, "car_mdd"), one.id).to.be.at.least(-1);
      expectClose(figure(result, "rar_mdd"), figure(result, "sharpe") ?? Number.NaN, one.id);
    }
  });

  it("stops compounding at a total loss, and counts what follows as nothing (D-26)", () => {
    for (const returns of [
      [-1, 5, 5],
      [-1.5, 5, 5],
    ]) {
      expect(figure(alphaPerformance(returns), "car_mdd"), `${returns}`).to.equal(-1);
      expect(figure(alphaPerformance(returns), "max_drawdown"), `${returns}`).to.equal(-1);
    }
  });

  it("always gives the six keys in their order, all finite, for any series", () => {
    const series = [
      [],
      [0],
      [1e308, 1e308, -1e308],
      [-1, -1],
      [1e-320, -1e-320],
      [5e-324],
      [Number.NaN],
      [1e9],
    ];
    for (const returns of series) {
      const { metrics } = alphaPerformance(returns);
      expect([...metrics.keys()], `${returns}`).to.deep.equal([...ALPHA_KEYS]);
      for (const [key, value] of metrics) expect(Number.isFinite(value), `${returns} ${key}`).to.equal(true);
    }
  });

  it("calls a series without periods too short, and one without a series unknown", () => {
    expect(alphaPerformance([]).missing).to.deep.equal([
      { reason: "TOO_FEW_POINTS", metrics: [...ALPHA_KEYS] },
    ]);
    expect(unknownAlpha("NO_SERIES").missing).to.deep.equal([
      { reason: "NO_SERIES", metrics: [...ALPHA_KEYS] },
    ]);
  });

  it("says of one loss what it can, and that a spread needs two periods", () => {
    const result = alphaPerformance([-0.01]);
    expect(figure(result, "max_drawdown")).to.equal(-0.01);
    expect(figure(result, "profit_factor")).to.equal(0);
    expect(result.missing).to.deep.equal([
      { reason: "TOO_FEW_POINTS", metrics: ["alpha_performance.sharpe", "alpha_performance.rar_mdd"] },
    ]);
  });

  it("reports nothing missing where everything was measured", () => {
    expect(alphaPerformance([0.01, -0.02, 0.03]).missing).to.deep.equal([]);
  });

  it("tells a measured 0.0 from an unknown one", () => {
    const losses = alphaPerformance([-0.01, -0.02]);
    expect(figure(losses, "profit_factor")).to.equal(0);
    expect(reasonOf(losses, "profit_factor")).to.equal(undefined);
    const gains = alphaPerformance([0.01, 0.02]);
    expect(figure(gains, "profit_factor")).to.equal(0);
    expect(reasonOf(gains, "profit_factor")).to.equal("NOT_COMPUTABLE");
    expect(figure(gains, "max_drawdown")).to.equal(0);
    expect(reasonOf(gains, "max_drawdown")).to.equal(undefined);
  });

  it("does not overflow on growth that a double cannot hold on the way", () => {
    const up = Array.from({ length: 2000 }, () => 9);
    const down = Array.from({ length: 2000 }, () => -0.9);
    const there = appendReturns(emptyStatistics(), [...up, ...down]);
    // 10^2000 and back again: the capital is whole, and the drawdown is all of it.
    expectClose(measureAlpha(there).metrics.get("alpha_performance.car_mdd"), 0, "car_mdd");
    const gone = measureAlpha(appendReturns(emptyStatistics(), [...up, -0.5]));
    expect(gone.metrics.get("alpha_performance.car_mdd")).to.equal(0);
    expect(reasonOf(gone, "car_mdd")).to.equal("NOT_COMPUTABLE");
  });
});

describe("alpha statistics", () => {
  it("refuse returns that are not finite, for the edge should have", () => {
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => appendReturns(emptyStatistics(), [0.1, wrong])).to.throw(RangeError, "return 1");
    }
  });

  it("survive JSON to the bit, even of series beyond any double", () => {
    const long = Array.from({ length: 5000 }, (_, i) => (i % 3 === 0 ? -0.3 : 0.9));
    const statistics = appendReturns(emptyStatistics(0.001), long);
    expect(JSON.parse(JSON.stringify(statistics))).to.deep.equal(statistics);
  });

  it("leave the statistics before untouched", () => {
    const before = Object.freeze(appendReturns(emptyStatistics(), [0.1]));
    const copy = { ...before };
    appendReturns(before, [0.2, -0.4]);
    expect(before).to.deep.equal(copy);
  });
});
