import { expect } from "chai";
import { ALPHA_KEYS } from "../../../../src/domain/alpha/metric-spec.ts";
import { parseEnvelope, sanitizeFigures } from "../../../../src/domain/alpha/parse-envelope.ts";
import { sound } from "./golden-cases.ts";

function plain(value: unknown): unknown {
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([key, entry]) => [key, plain(entry)]));
}

describe("reading an envelope", () => {
  it("gives the recorded figures", () => {
    for (const { id, input, expected } of sound<unknown>("alpha_parse_envelope")) {
      const { perWorld, perStrategy } = parseEnvelope(input);
      expect({ per_world: plain(perWorld), per_strategy: plain(perStrategy) }, id).to.deep.equal(
        expected.result,
      );
    }
  });

  it("cleans figures as recorded", () => {
    for (const { id, input, expected } of sound<unknown>("alpha_sanitize")) {
      expect(plain(sanitizeFigures(input)), id).to.deep.equal(expected.result);
    }
  });

  it("lets no infinity or NaN through, which the reference did (D20)", () => {
    for (const wrong of [Number.POSITIVE_INFINITY, Number.NaN, "Infinity", "1e999", [], {}, null]) {
      const figures = sanitizeFigures({ "alpha_performance.profit_factor": wrong });
      expect([...figures], `${wrong}`).to.deep.equal(ALPHA_KEYS.map((key) => [key, 0]));
    }
  });

  it("ignores unknown keys, so that a newer writer does not break an older reader", () => {
    const newer = { "alpha_performance.sharpe": 1, "alpha_performance.sortino": 2 };
    expect([
      ...(parseEnvelope({ per_world: { w: newer }, more: 1 })
        .perWorld.get("w")
        ?.keys() ?? []),
    ]).to.deep.equal([...ALPHA_KEYS]);
  });

  it("reads maps as well as objects", () => {
    const figures = new Map([["alpha_performance.sharpe", 0.5]]);
    const envelope = new Map([["per_world", new Map([["__proto__", figures]])]]);
    expect(parseEnvelope(envelope).perWorld.get("__proto__")?.get("alpha_performance.sharpe")).to.equal(0.5);
  });

  it("takes anything that is no envelope for an empty one", () => {
    for (const nothing of [undefined, null, 3, "x", [], { per_world: [1], per_strategy: "s" }]) {
      const { perWorld, perStrategy } = parseEnvelope(nothing);
      expect([perWorld.size, perStrategy.size], `${nothing}`).to.deep.equal([0, 0]);
    }
  });
});
