import { create, toJson } from "@bufbuild/protobuf";
import { expect } from "chai";
import { AlphaMetricsSchema, MissingReason } from "#gen/worldservice/v2/alpha_metrics_pb.ts";
import { ALPHA_KEYS, ALPHA_SPECS, isMeasured, parseAlphaMetrics } from "../../../src/client/index.ts";

const SHARPE = "alpha_performance.sharpe";
const ZEROS = Object.fromEntries(ALPHA_SPECS.map(({ key, defaultValue }) => [key, defaultValue]));

const MESSAGE = create(AlphaMetricsSchema, {
  perWorld: { alpha: { metrics: { [SHARPE]: 1.5, "alpha_performance.from_the_future": 9, other: 1 } } },
  perStrategy: { trend: { worlds: { alpha: { metrics: { "alpha_performance.win_ratio": 0.6 } } } } },
  missing: [
    { worldId: "alpha", reason: MissingReason.NOT_COMPUTABLE, metrics: ["alpha_performance.car_mdd"] },
    { worldId: "alpha", strategyId: "trend", reason: MissingReason.NO_SERIES },
  ],
});

describe("the alpha-metrics parser of the client", () => {
  const forms: readonly (readonly [string, unknown])[] = [
    ["a message", MESSAGE],
    ["proto JSON", toJson(AlphaMetricsSchema, MESSAGE)],
    [
      "an envelope with the figures directly in it",
      {
        per_world: { alpha: { [SHARPE]: 1.5, "alpha_performance.from_the_future": 9 } },
        per_strategy: { trend: { alpha: { "alpha_performance.win_ratio": 0.6 } } },
      },
    ],
  ];
  for (const [name, value] of forms) {
    it(`reads ${name}: unknown keys ignored, missing ones 0.0, in the order of the specification`, () => {
      const view = parseAlphaMetrics(value);
      const world = view.perWorld.get("alpha");
      expect([...(world?.keys() ?? [])]).to.deep.equal([...ALPHA_KEYS]);
      expect(Object.fromEntries(world ?? [])).to.deep.equal({ ...ZEROS, [SHARPE]: 1.5 });
      const strategy = view.perStrategy.get("trend")?.get("alpha");
      expect(Object.fromEntries(strategy ?? [])).to.deep.equal({
        ...ZEROS,
        "alpha_performance.win_ratio": 0.6,
      });
    });
  }

  it("never gives NaN or an infinity", () => {
    const figures = { [SHARPE]: Number.NaN, "alpha_performance.car_mdd": Number.POSITIVE_INFINITY };
    const view = parseAlphaMetrics({ perWorld: { alpha: { metrics: figures } } });
    expect(Object.fromEntries(view.perWorld.get("alpha") ?? [])).to.deep.equal(ZEROS);
  });

  it("tells a measured 0.0 from an unknown one", () => {
    const view = parseAlphaMetrics(MESSAGE);
    expect(isMeasured(view, "alpha", "", SHARPE)).to.equal(true);
    expect(isMeasured(view, "alpha", "", "alpha_performance.car_mdd")).to.equal(false);
    expect(isMeasured(view, "alpha", "trend", SHARPE)).to.equal(false);
    expect(isMeasured(view, "beta", "", SHARPE)).to.equal(false);
  });

  for (const value of [undefined, null, 3, "x", [], { perWorld: 4, perStrategy: [], missing: {} }]) {
    it(`reads ${JSON.stringify(value)} as nothing`, () => {
      const { perWorld, perStrategy, missing } = parseAlphaMetrics(value);
      expect([perWorld.size, perStrategy.size, missing.length]).to.deep.equal([0, 0, 0]);
    });
  }
});
