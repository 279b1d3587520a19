import { expect } from "chai";
import { computeAlpha } from "../../../../src/domain/alpha/compute-alpha.ts";
import {
  MAX_ABS_RETURN,
  MAX_SERIES_POINTS,
  parseSeries,
  parseSeriesList,
  type SeriesInput,
} from "../../../../src/domain/alpha/parse-series.ts";
import { equityToReturns, toCurve, toReturns } from "../../../../src/domain/alpha/series.ts";
import { DomainError } from "../../../../src/domain/errors.ts";
import { sound, toNumber, type Written } from "./golden-cases.ts";

function given(part: Partial<SeriesInput>): SeriesInput {
  return { worldId: "w", strategyId: "s", kind: "returns", values: [], timesMs: [], ...part };
}

function violationsOf(work: () => unknown): Map<string, string> {
  try {
    work();
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    expect(error.reason).to.equal("INVALID_FIELD");
    return new Map(error.violations.map(({ field, description }) => [field, description]));
  }
  return expect.fail("was taken");
}

function refused(part: Partial<SeriesInput>, rules = {}): string[] {
  return [...violationsOf(() => parseSeries(given(part), "series", rules)).keys()];
}

describe("a series", () => {
  it("of levels becomes the recorded returns", () => {
    for (const { id, input, expected } of sound<{ equity: Written[] }>("equity_to_returns")) {
      const levels = input.equity.map((level) => (level === null ? null : toNumber(level)));
      expect(equityToReturns(levels), id).to.deep.equal(expected.result);
    }
  });

  it("of profits becomes returns on its base", () => {
    const series = parseSeries(given({ kind: "pnl", values: [100, -50], baseEquity: 1000 }), "series");
    expect(toReturns(series).returns).to.deep.equal([0.1, -0.05]);
    expect(toCurve(series)).to.deep.equal([100, 50]);
  });

  it("of profits is refused without capital behind it (D23)", () => {
    for (const baseEquity of [undefined, 0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(refused({ kind: "pnl", values: [1], baseEquity }), `${baseEquity}`).to.deep.equal([
        "series.pnl.base_equity",
      ]);
    }
  });

  it("gives the same figures as profits and as returns on the same base", () => {
    const profits = computeAlpha(
      parseSeries(given({ kind: "pnl", values: [5, -3, 4], baseEquity: 100 }), "s"),
    );
    const returns = computeAlpha(parseSeries(given({ values: [0.05, -0.03, 0.04] }), "s"));
    expect(profits.alpha).to.deep.equal(returns.alpha);
  });

  it("of levels keeps the times of its returns, not of its first level", () => {
    const series = parseSeries(given({ kind: "equity", values: [1, 2, 3], timesMs: [10, 20, 30] }), "series");
    expect(toReturns(series)).to.deep.equal({ returns: [1, 0.5], timesMs: [20, 30] });
  });

  it("of returns is drawn as their running sum", () => {
    expect(toCurve(parseSeries(given({ values: [0.5, 0.25, -1] }), "series"))).to.deep.equal([
      0.5, 0.75, -0.25,
    ]);
  });

  it("names every gap and infinity by its place", () => {
    const values = [0, Number.NaN, 1, Number.POSITIVE_INFINITY];
    expect(refused({ values })).to.deep.equal(["series.returns.values[1]", "series.returns.values[3]"]);
    expect(refused({ kind: "pnl", values, baseEquity: 1 })).to.deep.equal([
      "series.pnl.values[1]",
      "series.pnl.values[3]",
    ]);
  });

  it("names the first wrong values and counts the rest", () => {
    const found = violationsOf(() =>
      parseSeries(given({ values: Array.from({ length: 1000 }, () => Number.NaN) }), "series"),
    );
    expect(found.size).to.equal(6);
    expect(found.get("series.returns.values")).to.equal("995 more entries are wrong");
  });

  it("of levels must stay above zero", () => {
    expect(refused({ kind: "equity", values: [1, 0, -2] })).to.deep.equal([
      "series.equity.values[1]",
      "series.equity.values[2]",
    ]);
  });

  it("must not make returns that only currency could be", () => {
    expect(refused({ values: [MAX_ABS_RETURN * 2] })).to.deep.equal(["series.returns.values[0]"]);
    expect(refused({ kind: "equity", values: [1e-300, 1e300] })).to.deep.equal(["series.equity.values[1]"]);
    expect(refused({ kind: "pnl", values: [1e20], baseEquity: 1e-5 })).to.deep.equal([
      "series.pnl.values[0]",
    ]);
  });

  it("must have one of the three forms", () => {
    expect(refused({ kind: undefined })).to.deep.equal(["series"]);
  });

  it("must have as many times as values, each later than the one before", () => {
    expect(refused({ values: [0, 0], timesMs: [1] })).to.deep.equal(["series.times"]);
    expect(refused({ values: [0, 0, 0], timesMs: [2, 1, 1] })).to.deep.equal([
      "series.times[1]",
      "series.times[2]",
    ]);
    expect(refused({ values: [0], timesMs: [Number.NaN] })).to.deep.equal(["series.times[0]"]);
  });

  it("must hold a return where it is to be recorded", () => {
    expect(refused({ kind: "equity", values: [100] }, { recorded: true })).to.deep.equal([
      "series.equity.values",
    ]);
    expect(parseSeries(given({ values: [0] }), "series", { recorded: true }).values).to.deep.equal([0]);
  });

  it("must hold a value", () => {
    for (const kind of ["returns", "equity", "pnl"] as const) {
      expect(refused({ kind, values: [], baseEquity: 1 })).to.deep.equal([`series.${kind}.values`]);
    }
  });

  it("must belong to somebody with a proper name", () => {
    expect(refused({ worldId: "e\u0301", strategyId: "a\u0000", values: [0] })).to.deep.equal([
      "series.world_id",
      "series.strategy_id",
    ]);
  });

  it("must belong to a world unless nothing is stored", () => {
    expect(refused({ worldId: "", values: [0] })).to.deep.equal(["series.world_id"]);
    expect(parseSeries(given({ worldId: "", values: [0] }), "series", { anonymous: true }).worldId).to.equal(
      "",
    );
  });

  it("may have a million values, and not one more", () => {
    const values = Array.from({ length: MAX_SERIES_POINTS }, () => 0.001);
    expect(parseSeries(given({ values }), "series").values).to.have.length(1_000_000);
    expect(refused({ values: [...values, 0] })).to.deep.equal(["series.returns.values"]);
  });

  it("may be a single point, of which nothing much can be said", () => {
    const level = computeAlpha(parseSeries(given({ kind: "equity", values: [100] }), "s"));
    expect(level.alpha.missing[0]?.metrics).to.have.length(6);
    expect(level.linearity.get("el_v1_score")).to.equal(0);
  });

  it("may lose everything in a period", () => {
    const total = computeAlpha(parseSeries(given({ values: [0.1, -1, 0.5] }), "s"));
    expect(total.alpha.metrics.get("alpha_performance.car_mdd")).to.equal(-1);
  });

  it("belongs to one world and strategy once per call", () => {
    const list = [given({ values: [0] }), given({ strategyId: "t", values: [0] }), given({ values: [1] })];
    expect([...violationsOf(() => parseSeriesList(list, "alpha_series")).keys()]).to.deep.equal([
      "alpha_series[2]",
    ]);
    expect(parseSeriesList(list.slice(0, 2), "alpha_series")).to.have.length(2);
  });

  it("is named by its place in the list when it is wrong", () => {
    const list = [given({ values: [0] }), given({ strategyId: "t", values: [Number.NaN] })];
    expect([...violationsOf(() => parseSeriesList(list, "alpha_series")).keys()]).to.deep.equal([
      "alpha_series[1].returns.values[0]",
    ]);
  });
});

describe("computed figures", () => {
  it("take the rates into account", () => {
    const series = parseSeries(given({ values: [0.02, -0.01] }), "s");
    const { alpha } = computeAlpha(series, { transactionCost: 0.01 });
    expect(alpha.metrics.get("alpha_performance.max_drawdown")).to.equal(-0.02);
    expect(alpha.metrics.get("alpha_performance.sharpe")).to.be.closeTo(-1 / 3, 1e-12);
    const risky = computeAlpha(series, { riskFreeRate: 0.005 });
    expect(risky.alpha.metrics.get("alpha_performance.sharpe")).to.be.closeTo(0, 1e-12);
  });

  it("refuse rates that are not ratios per period", () => {
    const series = parseSeries(given({ values: [0] }), "s");
    const rates = { riskFreeRate: Number.NaN, transactionCost: -0.1 };
    expect([...violationsOf(() => computeAlpha(series, rates)).keys()]).to.deep.equal([
      "risk_free_rate",
      "transaction_cost",
    ]);
  });
});
