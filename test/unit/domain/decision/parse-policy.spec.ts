import { expect } from "chai";
import { parsePolicy } from "../../../../src/domain/decision/parse-policy.ts";
import { OPEN_POLICY } from "../../../../src/domain/decision/policy.ts";
import { POLICY_PRESETS } from "../../../../src/domain/decision/presets.ts";
import { DomainError } from "../../../../src/domain/errors.ts";
import type { JsonObject, JsonValue } from "../../../../src/domain/json.ts";

function refused(raw: JsonObject): string[] {
  try {
    parsePolicy(raw);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    expect(error.reason).to.equal("INVALID_FIELD");
    return error.violations.map(({ field }) => field);
  }
  return expect.fail("was taken");
}

describe("a policy", () => {
  it("may be empty and then lets everything pass", () => {
    expect(parsePolicy({})).to.deep.equal(OPEN_POLICY);
  });

  it("is read with all its stages", () => {
    const policy = parsePolicy({
      thresholds: { quality: { metric: "sharpe", min: 0.5, max: 9 } },
      top_k: { metric: "sharpe", k: 3 },
      correlation: { max: 0.8 },
      hysteresis: { metric: "sharpe", enter: 1, exit: 0.5 },
      validation: { on_missing_metric: "warn" },
    });
    expect([...policy.thresholds]).to.deep.equal([["quality", { metric: "sharpe", min: 0.5, max: 9 }]]);
    expect(policy.topK).to.deep.equal({ metric: "sharpe", k: 3 });
    expect(policy.correlation).to.deep.equal({ max: 0.8 });
    expect(policy.hysteresis).to.deep.equal({ metric: "sharpe", enter: 1, exit: 0.5 });
    expect(policy.onMissingMetric).to.equal("warn");
  });

  it("takes a threshold's name for its metric where none is given", () => {
    expect(parsePolicy({ thresholds: { sharpe: { min: 1 } } }).thresholds.get("sharpe")).to.deep.equal({
      metric: "sharpe",
      min: 1,
    });
  });

  it("merges selection: its stages win, but of thresholds with one name the outer one does", () => {
    const policy = parsePolicy({
      thresholds: { a: { metric: "x", min: 1 }, b: { metric: "y" } },
      top_k: { metric: "outer", k: 1 },
      correlation: { max: 0.1 },
      selection: {
        thresholds: { a: { metric: "x", min: 2 }, c: { metric: "z" } },
        top_k: { metric: "inner", k: 2 },
      },
    });
    expect([...policy.thresholds.keys()]).to.deep.equal(["a", "b", "c"]);
    expect(policy.thresholds.get("a")?.min).to.equal(1);
    expect(policy.topK).to.deep.equal({ metric: "inner", k: 2 });
    expect(policy.correlation).to.deep.equal({ max: 0.1 });
  });

  it("takes null for a part that is absent", () => {
    const raw = { top_k: null, selection: null, thresholds: { a: { metric: "x", min: null, max: 1 } } };
    expect([...parsePolicy(raw).thresholds]).to.deep.equal([["a", { metric: "x", max: 1 }]]);
  });

  it("refuses k below 1 and broken k", () => {
    for (const k of [0, -1, 1.5, "3", null]) {
      expect(refused({ top_k: { metric: "m", k } }), `${k}`).to.include("policy.top_k.k");
    }
  });

  it("refuses bounds that contradict each other", () => {
    expect(refused({ thresholds: { "my rule": { metric: "m", min: 2, max: 1 } } })).to.deep.equal([
      'policy.thresholds["my rule"].min',
    ]);
    expect(refused({ hysteresis: { metric: "m", enter: 0.5, exit: 0.8 } })).to.deep.equal([
      "policy.hysteresis.exit",
    ]);
  });

  it("refuses a correlation outside -1..1", () => {
    for (const max of [1.01, -2, null]) {
      expect(refused({ correlation: { max } }), `${max}`).to.deep.equal(["policy.correlation.max"]);
    }
    expect(parsePolicy({ correlation: { max: -1 } }).correlation?.max).to.equal(-1);
  });

  it("refuses keys it does not know, wherever they stand", () => {
    expect(
      refused({
        topk: {},
        top_k: { metric: "m", k: 1, K: 2 },
        selection: { selection: {} },
        validation: { on: 1 },
      }),
    ).to.have.members([
      "policy.topk",
      "policy.top_k.K",
      "policy.selection.selection",
      "policy.validation.on",
    ]);
  });

  it("refuses metrics that its own name space does not hold, and leaves others to the caller", () => {
    for (const metric of ["alpha_performance.sharp", "el_v2_scores", "portfolio_el_v1_x"]) {
      expect(refused({ top_k: { metric, k: 1 } }), metric).to.deep.equal(["policy.top_k.metric"]);
    }
    for (const metric of ["alpha_performance.sharpe", "portfolio_el_v1_score", "my.own.metric"]) {
      expect(parsePolicy({ top_k: { metric, k: 1 } }).topK?.metric).to.equal(metric);
    }
  });

  it("refuses values of the wrong kind, and reports all at once", () => {
    expect(
      refused({
        thresholds: [],
        top_k: 3,
        correlation: { max: "0.5" },
        hysteresis: { metric: " " },
        validation: { on_missing_metric: "skip" },
      }),
    ).to.have.members([
      "policy.thresholds",
      "policy.top_k",
      "policy.correlation.max",
      "policy.correlation.max",
      "policy.hysteresis.metric",
      "policy.hysteresis.metric",
      "policy.hysteresis.enter",
      "policy.hysteresis.exit",
      "policy.validation.on_missing_metric",
    ]);
  });

  it("refuses to read a value that is too deep or too big", () => {
    let deep: JsonValue = {};
    for (let i = 0; i < 100_000; i++) deep = { selection: deep };
    expect(refused({ selection: deep })).to.deep.equal(["policy"]);
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`t${i}`, { metric: "m" }]));
    expect(refused({ thresholds: many })).to.deep.equal(["policy"]);
    expect(refused({ thresholds: { ["x".repeat(1000)]: { metric: "m" } } })).to.deep.equal(["policy"]);
  });

  it("is not confused by names that mean something to JavaScript", () => {
    const raw: JsonObject = JSON.parse('{"thresholds": {"__proto__": {"metric": "m", "min": 1}}}');
    expect([...parsePolicy(raw).thresholds]).to.deep.equal([["__proto__", { metric: "m", min: 1 }]]);
    expect(refused(JSON.parse('{"__proto__": {"top_k": {"metric": "m", "k": 1}}}'))).to.deep.equal([
      "policy.__proto__",
    ]);
  });
});

describe("policy presets", () => {
  it("are the four known ones, and all of them can be read", () => {
    expect([...POLICY_PRESETS.keys()]).to.deep.equal(["sandbox", "conservative", "moderate", "aggressive"]);
    for (const preset of POLICY_PRESETS.keys())
      expect(parsePolicy({ preset }).topK, preset).to.not.equal(undefined);
  });

  it("have their documented bounds", () => {
    const bounds = (preset: string) => {
      const { thresholds, topK, correlation, hysteresis } = parsePolicy({ preset });
      return [
        thresholds.get("sharpe")?.min,
        thresholds.get("max_drawdown")?.max,
        thresholds.get("win_rate")?.min,
        thresholds.get("profit_factor")?.min,
        topK?.k,
        correlation?.max,
        hysteresis?.enter,
        hysteresis?.exit,
      ];
    };
    const none = undefined;
    expect(bounds("sandbox")).to.deep.equal([none, none, none, none, 10, none, none, none]);
    expect(bounds("conservative")).to.deep.equal([1, 0.15, 0.55, 1.5, 3, 0.5, 1, 0.8]);
    expect(bounds("moderate")).to.deep.equal([0.7, 0.25, 0.5, 1.2, 5, 0.7, 0.7, 0.5]);
    expect(bounds("aggressive")).to.deep.equal([0.5, 0.4, none, 1, 8, 0.85, 0.5, 0.3]);
  });

  it("yield to what stands beside their name", () => {
    const policy = parsePolicy({
      preset: "moderate",
      top_k: { metric: "x", k: 1 },
      thresholds: { sharpe: { min: 9 } },
    });
    expect(policy.topK).to.deep.equal({ metric: "x", k: 1 });
    expect(policy.thresholds.get("sharpe")).to.deep.equal({ metric: "sharpe", min: 9 });
    expect(policy.correlation).to.deep.equal({ max: 0.7 });
  });

  it("are refused under any other name", () => {
    expect(refused({ preset: "yolo" })).to.deep.equal(["policy.preset"]);
  });
});
