import { expect } from "chai";
import { type Correlation, checkCorrelations } from "../../../../src/domain/decision/correlations.ts";
import { type Evaluation, evaluate } from "../../../../src/domain/decision/evaluate.ts";
import { flattenMetrics } from "../../../../src/domain/decision/flatten-metrics.ts";
import { parsePolicy } from "../../../../src/domain/decision/parse-policy.ts";
import { DomainError } from "../../../../src/domain/errors.ts";
import type { JsonObject } from "../../../../src/domain/json.ts";

type Metrics = Readonly<Record<string, Readonly<Record<string, number>>>>;

interface Rest {
  readonly correlations?: readonly Correlation[];
  readonly previous?: readonly string[];
}

function run(
  metrics: Metrics,
  policy: JsonObject,
  { correlations = [], previous = [] }: Rest = {},
): Evaluation {
  const maps = new Map(Object.entries(metrics).map(([id, values]) => [id, new Map(Object.entries(values))]));
  return evaluate({ metrics: maps, correlations, previous, policy: parsePolicy(policy) });
}

function codesOf(evaluation: Evaluation, id: string): readonly string[] {
  return evaluation.strategies.get(id)?.reasonCodes ?? [];
}

const SHARPE_1 = { thresholds: { sharpe: { metric: "sharpe", min: 1 } } };
const ALL_WELL = [
  "data_currency_ok",
  "sample_metrics_missing",
  "performance_ok",
  "risk_constraints_not_configured",
  "robustness_ok",
];

describe("evaluating a policy", () => {
  it("gives one code of every group to a strategy that passes", () => {
    const evaluation = run({ s: { sharpe: 1.2 } }, SHARPE_1);
    expect(evaluation.active).to.deep.equal(["s"]);
    expect(codesOf(evaluation, "s")).to.deep.equal(ALL_WELL);
    expect([...(evaluation.strategies.get("s")?.metrics ?? [])]).to.deep.equal([["sharpe", 1.2]]);
  });

  it("keeps bounds inclusive on both sides", () => {
    const policy = { thresholds: { a: { metric: "x", min: 1, max: 2 } } };
    const evaluation = run({ low: { x: 1 }, high: { x: 2 }, below: { x: 0.99 }, above: { x: 2.01 } }, policy);
    expect(evaluation.active).to.deep.equal(["high", "low"]);
    expect(codesOf(evaluation, "below")).to.include("performance_thresholds_failed");
  });

  it("puts out a strategy without a metric it is judged by, unless the policy says otherwise", () => {
    const metrics = { s: { max_drawdown: -0.1 } };
    const failed = run(metrics, SHARPE_1);
    expect(failed.active).to.deep.equal([]);
    expect(codesOf(failed, "s")).to.include.members([
      "performance_thresholds_failed",
      "performance_metrics_missing",
    ]);
    const warned = run(metrics, { ...SHARPE_1, validation: { on_missing_metric: "warn" } });
    expect(warned.active).to.deep.equal(["s"]);
    expect(codesOf(warned, "s")).to.deep.equal([
      "data_currency_ok",
      "sample_metrics_missing",
      "performance_metrics_missing",
      "risk_constraints_not_configured",
      "robustness_ok",
    ]);
    const ignored = run(metrics, { ...SHARPE_1, validation: { on_missing_metric: "ignore" } });
    expect(codesOf(ignored, "s")).to.deep.equal(ALL_WELL);
  });

  it("still fails a bound that is broken where missing metrics are only remarked", () => {
    const policy = { thresholds: { a: { metric: "x", min: 1 }, b: { metric: "y" } } };
    const evaluation = run({ s: { x: 0 } }, { ...policy, validation: { on_missing_metric: "ignore" } });
    expect(evaluation.active).to.deep.equal([]);
  });

  it("takes the best k in descending order, a missing metric last, equal ones in the order of their ids", () => {
    const metrics = { s1: { m: 1 }, s2: { m: 3 }, s3: {}, s4: { m: 3 }, s5: { m: 2 } };
    const evaluation = run(metrics, { top_k: { metric: "m", k: 3 } });
    expect(evaluation.active).to.deep.equal(["s2", "s4", "s5"]);
    expect(codesOf(evaluation, "s1")).to.include("performance_rank_outside_top_k");
    expect(codesOf(evaluation, "s3")).to.include.members([
      "metrics_missing",
      "performance_rank_outside_top_k",
    ]);
    expect(run({ a: {}, b: {} }, { top_k: { metric: "m", k: 5 } }).active).to.deep.equal(["a", "b"]);
  });

  it("ranks only what passed the thresholds", () => {
    const evaluation = run(
      { s1: { sharpe: 3, dd: 0.5 }, s2: { sharpe: 1, dd: 0.1 } },
      { thresholds: { dd: { metric: "dd", max: 0.2 } }, top_k: { metric: "sharpe", k: 1 } },
    );
    expect(evaluation.active).to.deep.equal(["s2"]);
    expect(codesOf(evaluation, "s1")).to.not.include("performance_rank_outside_top_k");
  });

  it("drops a strategy too close to one chosen before it, in size and in either order of the pair", () => {
    const metrics = { a: { m: 3 }, b: { m: 2 }, c: { m: 1 } };
    const policy = { top_k: { metric: "m", k: 3 }, correlation: { max: 0.5 } };
    const correlations = [
      { strategyA: "b", strategyB: "a", rho: -0.9 },
      { strategyA: "b", strategyB: "c", rho: 0.9 },
    ];
    const evaluation = run(metrics, policy, { correlations });
    expect(evaluation.active).to.deep.equal(["a", "c"]);
    expect(codesOf(evaluation, "b")).to.include("correlation_constraint_failed");
    expect(codesOf(evaluation, "c")).to.include("risk_constraints_ok");
  });

  it("lets a strategy stay at exit and come in only at enter", () => {
    const policy = { hysteresis: { metric: "m", enter: 1, exit: 0.5 } };
    const metrics = {
      stays: { m: 0.5 },
      leaves: { m: 0.4 },
      waits: { m: 0.9 },
      enters: { m: 1 },
      gone: { x: 1 },
    };
    const evaluation = run(metrics, policy, { previous: ["stays", "leaves", "gone"] });
    expect(evaluation.active).to.deep.equal(["enters", "stays"]);
    expect(codesOf(evaluation, "leaves")).to.include("hysteresis_exit");
    expect(codesOf(evaluation, "waits")).to.include("hysteresis_not_entered");
    expect(codesOf(evaluation, "gone")).to.include("hysteresis_exit");
  });

  it("says when the data is not current", () => {
    const policy = { thresholds: { lag: { metric: "lag_seconds", max: 60 } } };
    expect(codesOf(run({ s: { sharpe: 1 } }, policy), "s")[0]).to.equal("missing_metric");
    const lenient = { ...policy, validation: { on_missing_metric: "ignore" } };
    expect(codesOf(run({ s: { sharpe: 1 } }, lenient), "s")[0]).to.equal("missing_metric_ignored");
    expect(codesOf(run({ s: { lag_seconds: 1 } }, policy), "s")[0]).to.equal("data_currency_ok");
  });

  it("says whether enough was observed", () => {
    const policy = { thresholds: { trades: { metric: "n_trades_total", min: 30 } } };
    expect(codesOf(run({ s: { n_trades_total: 5 } }, policy), "s")[1]).to.equal("sample_thresholds_failed");
    expect(codesOf(run({ s: { n_trades_total: 50 } }, policy), "s")[1]).to.equal("sample_ok");
    expect(codesOf(run({ s: { n_trades_total: 0 } }, {}), "s")[1]).to.equal("sample_metrics_missing");
  });

  it("takes the age of trades for a matter of currency, not of sample", () => {
    const policy = { thresholds: { age: { metric: "stale_trades", max: 5 } } };
    const codes = codesOf(run({ s: { stale_trades: 9, sample_days: 3 } }, policy), "s");
    expect(codes.slice(0, 3)).to.deep.equal([
      "data_currency_ok",
      "sample_ok",
      "performance_thresholds_failed",
    ]);
  });

  it("works on the alpha figures through a preset, whichever sign drawdowns have", () => {
    const good = {
      "alpha_performance.sharpe": 1.2,
      "alpha_performance.max_drawdown": -0.1,
      "alpha_performance.win_ratio": 0.6,
      "alpha_performance.profit_factor": 2,
    };
    const deep = { ...good, "alpha_performance.max_drawdown": -0.3 };
    const foreign = { sharpe: 1.2, max_drawdown: 0.3, win_rate: 0.6, profit_factor: 2 };
    expect(run({ good, deep, foreign }, { preset: "conservative" }).active).to.deep.equal(["good"]);
  });

  it("does not depend on the order in which strategies are given", () => {
    const policy = { top_k: { metric: "m", k: 2 } };
    const forward = run({ a: { m: 1 }, b: { m: 1 }, c: { m: 1 } }, policy);
    const backward = run({ c: { m: 1 }, b: { m: 1 }, a: { m: 1 } }, policy);
    expect(backward.active).to.deep.equal(forward.active);
  });

  it("takes NaN for a missing metric, never for one that passes", () => {
    expect(run({ s: { sharpe: Number.NaN } }, SHARPE_1).active).to.deep.equal([]);
  });
});

describe("metric names", () => {
  it("are found whole and by the part behind the last dot, the whole name first", () => {
    const flat = flattenMetrics(
      new Map([
        ["returns.sharpe", 2],
        ["b.sharpe", 3],
        ["sharpe", 1],
        ["x.y", 4],
      ]),
    );
    expect([flat.get("sharpe"), flat.get("returns.sharpe"), flat.get("y")]).to.deep.equal([1, 2, 4]);
    const parts = flattenMetrics(
      new Map([
        ["returns.sharpe", 2],
        ["b.sharpe", 3],
      ]),
    );
    expect(parts.get("sharpe")).to.equal(3);
  });

  it("of the portfolio never stand in for a strategy's own (D-05)", () => {
    const flat = flattenMetrics(new Map([["portfolio_alpha_performance.sharpe", 9]]));
    expect(flat.get("sharpe")).to.equal(undefined);
    expect(flat.get("portfolio_alpha_performance.sharpe")).to.equal(9);
  });
});

describe("correlations", () => {
  it("are refused outside -1..1 and when they contradict each other", () => {
    const wrong = [
      { strategyA: "a", strategyB: "b", rho: 0.5 },
      { strategyA: "b", strategyB: "a", rho: 0.6 },
      { strategyA: "c", strategyB: "d", rho: Number.NaN },
    ];
    try {
      checkCorrelations(wrong);
      expect.fail("was taken");
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      expect(error.violations.map(({ field }) => field)).to.deep.equal([
        "correlations[1]",
        "correlations[2].rho",
      ]);
    }
    checkCorrelations(wrong.slice(0, 1));
  });
});
