import { expect } from "chai";
import { parsePolicy } from "../../../../src/domain/decision/parse-policy.ts";
import { policyRules } from "../../../../src/domain/decision/policy-rules.ts";
import type { JsonObject } from "../../../../src/domain/json.ts";

const WRITTEN: JsonObject[] = [
  {},
  { preset: "conservative", top_k: { metric: "car_mdd", k: 2 } },
  { thresholds: { sharpe: { min: 1 }, "a b": { metric: "x.y", max: 2 } }, correlation: { max: -0.5 } },
  {
    selection: { hysteresis: { metric: "sharpe", enter: 1, exit: 0.5 } },
    validation: { on_missing_metric: "warn" },
  },
];

describe("the rules of a policy", () => {
  it("read back as the policy they were written from", () => {
    for (const written of WRITTEN) {
      const policy = parsePolicy(written);
      expect(parsePolicy(policyRules(policy))).to.deep.equal(policy);
    }
  });

  it("leave out what the policy does not use, and how it was put together", () => {
    expect(policyRules(parsePolicy({ selection: { top_k: { metric: "sharpe", k: 3 } } }))).to.deep.equal({
      top_k: { metric: "sharpe", k: 3 },
    });
  });

  it("keep names that objects confuse", () => {
    const thresholds = JSON.parse('{"__proto__": {"metric": "m", "min": 1}}');
    expect(JSON.stringify(policyRules(parsePolicy({ thresholds })))).to.equal(
      '{"thresholds":{"__proto__":{"metric":"m","min":1}}}',
    );
  });
});
