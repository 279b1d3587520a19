import { expect } from "chai";
import fc from "fast-check";
import { evaluate } from "../../../src/domain/decision/evaluate.ts";
import { parsePolicy } from "../../../src/domain/decision/parse-policy.ts";
import { REASON_CODES } from "../../../src/domain/decision/reason-codes.ts";
import { DomainError } from "../../../src/domain/errors.ts";
import type { JsonObject } from "../../../src/domain/json.ts";

const id = fc.constantFrom("a", "b", "c", "10", "2", "__proto__");
const value = fc.constantFrom(-1, 0, 0.5, 1, 2);
const metrics = fc
  .array(
    fc.tuple(
      id,
      fc.array(fc.tuple(fc.constantFrom("m", "x", "n_trades_total"), value)).map((e) => new Map(e)),
    ),
  )
  .map((entries) => new Map(entries));
const pair = fc.tuple(id, id, fc.double({ min: -1, max: 1, noNaN: true }));
const correlations = fc.array(pair.map(([strategyA, strategyB, rho]) => ({ strategyA, strategyB, rho })));
const stages = fc.record<JsonObject>(
  {
    thresholds: fc.constant({ x: { metric: "x", min: 0 } }),
    top_k: fc.integer({ min: 1, max: 4 }).map((k) => ({ metric: "m", k })),
    correlation: fc.double({ min: 0, max: 1, noNaN: true }).map((max) => ({ max })),
    hysteresis: fc.constant({ metric: "m", enter: 1, exit: 0.5 }),
    validation: fc.constantFrom("fail", "warn", "ignore").map((mode) => ({ on_missing_metric: mode })),
  },
  { requiredKeys: [] },
);

describe("laws of evaluation", () => {
  it("the active strategies are those that are marked so, at most k, and no two too close", () => {
    fc.assert(
      fc.property(metrics, correlations, fc.array(id), stages, (given, pairs, previous, raw) => {
        const policy = parsePolicy(raw);
        const { active, strategies } = evaluate({ metrics: given, correlations: pairs, previous, policy });
        const marked = [...strategies].filter(([, one]) => one.active).map(([name]) => name);
        expect([...active].sort()).to.deep.equal(marked.sort());
        expect([...strategies.keys()].sort()).to.deep.equal([...given.keys()].sort());
        if (policy.topK) expect(active.length).to.be.at.most(policy.topK.k);
        for (const { reasonCodes } of strategies.values()) {
          expect(reasonCodes.length).to.be.at.least(5);
          for (const code of reasonCodes) expect(REASON_CODES).to.include(code);
        }
      }),
    );
  });

  it("evaluating again what came out changes nothing: an active strategy does not flicker", () => {
    fc.assert(
      fc.property(metrics, correlations, fc.array(id), stages, (given, pairs, previous, raw) => {
        const policy = parsePolicy(raw);
        const first = evaluate({ metrics: given, correlations: pairs, previous, policy });
        const second = evaluate({ metrics: given, correlations: pairs, previous: first.active, policy });
        expect(second.active).to.deep.equal(first.active);
      }),
    );
  });

  it("the order in which strategies are sent does not matter", () => {
    fc.assert(
      fc.property(metrics, fc.array(id), stages, (given, previous, raw) => {
        const policy = parsePolicy(raw);
        const turned = new Map([...given].reverse());
        expect(evaluate({ metrics: turned, correlations: [], previous, policy })).to.deep.equal(
          evaluate({ metrics: given, correlations: [], previous, policy }),
        );
      }),
    );
  });
});

describe("laws of policies", () => {
  it("anything that is JSON is either read or refused with the fields that are wrong", () => {
    const json = fc.dictionary(
      fc.constantFrom(
        "thresholds",
        "top_k",
        "correlation",
        "hysteresis",
        "selection",
        "validation",
        "preset",
        "x",
      ),
      fc.jsonValue({ maxDepth: 4 }),
    );
    fc.assert(
      fc.property(json, (raw) => {
        // A JSON value of fast-check is typed wider than it is.
        const value: JsonObject = JSON.parse(JSON.stringify(raw));
        try {
          parsePolicy(value);
        } catch (error) {
          if (!(error instanceof DomainError)) throw error;
          expect(error.violations.length).to.be.greaterThan(0);
          for (const { field } of error.violations) expect(field).to.match(/^policy/);
        }
      }),
    );
  });
});
