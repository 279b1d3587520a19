import { expect } from "chai";
import fc from "fast-check";
import { alphaPerformance, measureAlpha } from "../../../src/domain/alpha/alpha-performance.ts";
import { linearityFigures } from "../../../src/domain/alpha/linearity.ts";
import { ALPHA_KEYS } from "../../../src/domain/alpha/metric-spec.ts";
import { parseEnvelope, sanitizeFigures } from "../../../src/domain/alpha/parse-envelope.ts";
import { parseSeries } from "../../../src/domain/alpha/parse-series.ts";
import { type RecordedChange, recordReturns } from "../../../src/domain/alpha/recorded-series.ts";
import {
  type AlphaStatistics,
  appendReturns,
  emptyStatistics,
} from "../../../src/domain/alpha/statistics.ts";
import { weightedReturns } from "../../../src/domain/alpha/weighted-returns.ts";

const aReturn = fc.double({ min: -0.5, max: 0.5, noNaN: true });
const someReturns = fc.array(aReturn, { minLength: 1, maxLength: 60 });
const anyReturns = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 40 });

function figure(returns: readonly number[], name: string): number {
  return (
    new Map<string, number>(alphaPerformance(returns).metrics).get(`alpha_performance.${name}`) ?? Number.NaN
  );
}

function expectNear(actual: number, expected: number, what: string, tolerance = 1e-9): void {
  const limit = tolerance * Math.max(1, Math.abs(actual), Math.abs(expected));
  expect(Math.abs(actual - expected), `${what}: ${actual} against ${expected}`).to.be.at.most(limit);
}

/** Whether a Sharpe ratio is far enough from 0/0 for its digits to mean anything. */
function hasSpread(returns: readonly number[]): boolean {
  return Math.max(...returns) - Math.min(...returns) > 1e-4;
}

describe("laws of the alpha figures", () => {
  it("every figure is finite and within its range, whatever the series", () => {
    fc.assert(
      fc.property(anyReturns, (returns) => {
        const { metrics } = alphaPerformance(returns);
        expect([...metrics.keys()]).to.deep.equal([...ALPHA_KEYS]);
        for (const value of metrics.values()) expect(Number.isFinite(value)).to.equal(true);
        expect(figure(returns, "max_drawdown")).to.be.within(-1, 0);
        expect(figure(returns, "win_ratio")).to.be.within(0, 1);
        expect(figure(returns, "profit_factor")).to.be.at.least(0);
      }),
    );
  });

  it("a drawdown never improves by adding periods", () => {
    fc.assert(
      fc.property(someReturns, someReturns, (before, more) => {
        expect(figure([...before, ...more], "max_drawdown")).to.be.at.most(figure(before, "max_drawdown"));
      }),
    );
  });

  it("the order of periods changes drawdowns, and nothing that only counts or adds", () => {
    fc.assert(
      fc.property(someReturns, fc.infiniteStream(fc.nat()), (returns, seeds) => {
        const keyed = returns.map((value) => ({ value, key: seeds.next().value ?? 0 }));
        const shuffled = keyed.toSorted((a, b) => a.key - b.key).map(({ value }) => value);
        for (const name of ["win_ratio", "profit_factor"]) {
          expectNear(figure(shuffled, name), figure(returns, name), name);
        }
        if (hasSpread(returns))
          expectNear(figure(shuffled, "sharpe"), figure(returns, "sharpe"), "sharpe", 1e-7);
      }),
    );
  });

  it("twice the bet has the same ratios and twice the drawdown, as long as the capital lasts", () => {
    fc.assert(
      fc.property(someReturns, (returns) => {
        const doubled = returns.map((value) => value * 2);
        expectNear(figure(doubled, "win_ratio"), figure(returns, "win_ratio"), "win_ratio");
        expectNear(figure(doubled, "profit_factor"), figure(returns, "profit_factor"), "profit_factor");
        const drawdown = Math.max(-1, 2 * figure(returns, "max_drawdown"));
        if (figure(returns, "max_drawdown") > -1)
          expectNear(figure(doubled, "max_drawdown"), drawdown, "drawdown");
        if (hasSpread(returns)) expectNear(figure(doubled, "sharpe"), figure(returns, "sharpe"), "sharpe");
      }),
    );
  });

  it("a series in pieces gives the figures of the whole, through JSON and all", () => {
    fc.assert(
      fc.property(fc.array(someReturns, { minLength: 1, maxLength: 8 }), aReturn, (pieces, cost) => {
        let kept: AlphaStatistics = emptyStatistics(Math.abs(cost));
        for (const piece of pieces) {
          for (const value of piece) kept = appendReturns(kept, [value]);
          kept = JSON.parse(JSON.stringify(kept));
        }
        const whole = alphaPerformance(pieces.flat(), { transactionCost: Math.abs(cost) });
        expect(measureAlpha(kept)).to.deep.equal(whole);
      }),
    );
  });

  it("the figures of a constant series are known without computing them", () => {
    fc.assert(
      fc.property(aReturn, fc.integer({ min: 2, max: 50 }), (value, length) => {
        const constant = Array.from({ length }, () => value);
        expect(figure(constant, "sharpe")).to.equal(0);
        expect(figure(constant, "win_ratio")).to.equal(value > 0 ? 1 : 0);
        expectNear(figure(constant, "max_drawdown"), Math.max(-1, Math.min(0, value * length)), "drawdown");
      }),
    );
  });

  it("costs never help", () => {
    fc.assert(
      fc.property(someReturns, fc.double({ min: 0, max: 0.1, noNaN: true }), (returns, transactionCost) => {
        const net = alphaPerformance(returns, { transactionCost }).metrics;
        for (const key of ["alpha_performance.max_drawdown", "alpha_performance.win_ratio"] as const) {
          expect(net.get(key)).to.be.at.most(alphaPerformance(returns).metrics.get(key) ?? Number.NaN);
        }
      }),
    );
  });
});

describe("laws of linearity", () => {
  const curve = fc.array(fc.double({ min: -1000, max: 1000, noNaN: true }), { maxLength: 50 });

  it("every figure is finite and every score within 0..1", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 30 }),
        (levels) => {
          const figures = linearityFigures(levels);
          for (const [key, value] of figures) expect(Number.isFinite(value), key).to.equal(true);
          for (const key of ["el_v1_score", "el_v2_score"] as const)
            expect(figures.get(key)).to.be.within(0, 1);
        },
      ),
    );
  });

  it("a mirrored curve gains what the curve loses, and only one of them scores", () => {
    fc.assert(
      fc.property(curve, (levels) => {
        const figures = linearityFigures(levels);
        const mirrored = linearityFigures(levels.map((level) => -level));
        expectNear(mirrored.get("el_v1_net_gain") ?? 0, -(figures.get("el_v1_net_gain") ?? 0), "net gain");
        expectNear(mirrored.get("el_v2_spearman_rho") ?? 0, -(figures.get("el_v2_spearman_rho") ?? 0), "rho");
        expect((figures.get("el_v1_score") ?? 0) * (mirrored.get("el_v1_score") ?? 0)).to.equal(0);
      }),
    );
  });
});

describe("laws of recorded series", () => {
  it("sending batches again, in any overlap, records every period once", () => {
    const batches = fc.array(fc.tuple(fc.nat(29), fc.integer({ min: 1, max: 10 })), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(aReturn, { minLength: 30, maxLength: 30 }), batches, (all, cuts) => {
        let recorded: RecordedChange | undefined;
        let end = 0;
        for (const [start, length] of cuts) {
          const from = Math.min(start, end);
          const values = all.slice(from, from + length);
          if (values.length === 0) continue;
          const timesMs = values.map((_, i) => from + i);
          const part = { worldId: "w", strategyId: "s", kind: "returns", values, timesMs } as const;
          recorded = recordReturns(recorded, parseSeries(part, "s"));
          end = Math.max(end, from + values.length);
        }
        const whole = appendReturns(emptyStatistics(), all.slice(0, end));
        expect(recorded?.statistics ?? emptyStatistics()).to.deep.equal(whole);
        expect(recorded?.series.returns ?? []).to.deep.equal(all.slice(0, end));
      }),
    );
  });
});

describe("laws of weighted returns", () => {
  it("only the proportions of the weights count, and equal parts give the part", () => {
    fc.assert(
      fc.property(someReturns, fc.double({ min: 0.1, max: 9, noNaN: true }), (returns, weight) => {
        const series = { returns, timesMs: [] };
        const sum = weightedReturns([
          { weight, series },
          { weight: 2 * weight, series },
        ]);
        for (const [i, value] of (sum?.returns ?? []).entries()) {
          expectNear(value, returns[i] ?? Number.NaN, "return");
        }
        expect(sum?.returns.length).to.equal(returns.length);
      }),
    );
  });
});

describe("laws of envelopes", () => {
  it("anything can be read, and gives six finite figures or nothing", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        for (const figures of parseEnvelope({ per_world: { w: value } }).perWorld.values()) {
          expect([...figures.keys()]).to.deep.equal([...ALPHA_KEYS]);
        }
        for (const number of sanitizeFigures(value).values()) expect(Number.isFinite(number)).to.equal(true);
        parseEnvelope(value);
      }),
    );
  });

  it("reading what was read changes nothing", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...ALPHA_KEYS, "other"), fc.anything()), (value) => {
        const once = sanitizeFigures(value);
        expect(sanitizeFigures(once)).to.deep.equal(once);
      }),
    );
  });
});
