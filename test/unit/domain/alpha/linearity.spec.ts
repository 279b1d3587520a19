import { expect } from "chai";
import { linearityFigures } from "../../../../src/domain/alpha/linearity.ts";
import { linearityV1 } from "../../../../src/domain/alpha/linearity-v1.ts";
import { linearityV2 } from "../../../../src/domain/alpha/linearity-v2.ts";
import { averageRanks, spearmanWithTime } from "../../../../src/domain/alpha/spearman.ts";
import { expectAllClose, numbersOf, sound, tagged, toNumber, type Written } from "./golden-cases.ts";

interface V1Input {
  readonly series: readonly Written[];
}

interface V2Input extends V1Input {
  readonly orientation?: string;
  readonly use_log?: boolean;
  readonly scales?: readonly number[];
  readonly eps?: number;
}

function v1(input: V1Input): Map<string, number> {
  const result = linearityV1(input.series.map(toNumber));
  return new Map([
    ["r2_up", result.r2Up],
    ["straightness_ratio", result.straightness],
    ["monotonicity", result.monotonicity],
    ["new_high_frac", result.newHighFrac],
    ["net_gain", result.netGain],
    ["score", result.score],
  ]);
}

function v2({ series, use_log, ...options }: V2Input): Map<string, number> {
  const result = linearityV2(series.map(toNumber), { ...options, useLog: use_log ?? false });
  return new Map([
    ["r2_up", result.r2Up],
    ["spearman_rho", result.spearmanRho],
    ["t_slope", result.tSlope],
    ["t_slope_sig", result.tSlopeSig],
    ["tvr", result.tvr],
    ["tuw", result.tuw],
    ["nh_frac", result.nhFrac],
    ["mdd_norm", result.mddNorm],
    ["net_gain", result.netGain],
    ["score", result.score],
  ]);
}

describe("linearity", () => {
  it("gives the recorded figures of the first generation", () => {
    for (const one of sound<V1Input>("linearity_v1")) {
      expectAllClose(v1(one.input), numbersOf(one.expected.result), one.id);
    }
  });

  it("gives the recorded figures of the second generation", () => {
    for (const one of sound<V2Input>("linearity_v2")) {
      expectAllClose(v2(one.input), numbersOf(one.expected.result), one.id);
    }
  });

  it("puts no NaN or infinity on the wire, whatever the curve holds (D02)", () => {
    const curves = [
      ...tagged<V1Input>("linearity_v1", "D02").map(({ input }) => input.series.map(toNumber)),
      ...tagged<V2Input>("linearity_v2", "D02").map(({ input }) => input.series.map(toNumber)),
      [1e308, -1e308, 1e308, -1e308],
      [5e-324, 0, 1e308],
    ];
    for (const curve of curves) {
      for (const [key, value] of linearityFigures(curve)) {
        expect(Number.isFinite(value), `${key} of ${curve}`).to.equal(true);
      }
    }
  });

  it("gives a straight rise the highest score and a straight fall the lowest", () => {
    const rise = linearityFigures([1, 2, 3, 4, 5]);
    expect([rise.get("el_v1_score"), rise.get("el_v2_score")]).to.deep.equal([1, 1]);
    const fall = linearityFigures([5, 4, 3, 2, 1]);
    expect([fall.get("el_v1_score"), fall.get("el_v2_score")]).to.deep.equal([0, 0]);
  });
});

describe("ranks", () => {
  it("share their places among equal values", () => {
    expect([...averageRanks([3, 1, 3, 2, 3])]).to.deep.equal([4, 1, 4, 2, 4]);
  });

  it("correlate with time from -1 to 1, and not at all without differences", () => {
    expect(spearmanWithTime([3, 2, 1])).to.be.closeTo(-1, 1e-15);
    expect(spearmanWithTime([1, 2, 3])).to.be.closeTo(1, 1e-15);
    expect(spearmanWithTime([7, 7, 7])).to.equal(0);
  });
});
