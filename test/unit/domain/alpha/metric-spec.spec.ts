import { expect } from "chai";
import { alphaPerformance } from "../../../../src/domain/alpha/alpha-performance.ts";
import { linearityFigures } from "../../../../src/domain/alpha/linearity.ts";
import {
  ALPHA_KEYS,
  ALPHA_PREFIX,
  LINEARITY_SPECS,
  METRIC_SPECS,
} from "../../../../src/domain/alpha/metric-spec.ts";

describe("the metric table", () => {
  it("holds exactly the six alpha figures under their prefix", () => {
    const names = ["sharpe", "max_drawdown", "win_ratio", "profit_factor", "car_mdd", "rar_mdd"];
    expect([...ALPHA_KEYS]).to.deep.equal(names.map((name) => `${ALPHA_PREFIX}${name}`));
  });

  it("describes every figure that is computed, and none that is not", () => {
    const computed = [...alphaPerformance([0.1]).metrics.keys(), ...linearityFigures([1, 2, 3]).keys()];
    expect(METRIC_SPECS.map(({ key }) => key)).to.deep.equal(computed);
    expect(new Set(computed).size).to.equal(computed.length);
  });

  it("says of every figure its unit, range, formula, default and missing rule", () => {
    for (const spec of METRIC_SPECS) {
      for (const text of [spec.unit, spec.range, spec.formula, spec.missingRule])
        expect(text, spec.key).to.not.equal("");
      expect(spec.defaultValue, spec.key).to.equal(0);
    }
  });

  it("names as fewest points what the computation really needs", () => {
    const zigzag = [1, 3, 2, 5, 4, 6];
    for (const { key, minPoints } of LINEARITY_SPECS) {
      const short = linearityFigures(zigzag.slice(0, minPoints - 1));
      expect(short.get(key), `${key} below`).to.equal(0);
    }
    const enough = linearityFigures(zigzag);
    for (const { key } of LINEARITY_SPECS) expect(enough.get(key), key).to.not.equal(0);
  });
});
