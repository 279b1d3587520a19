import { expect } from "chai";
import { alphaPerformance, alphaResult } from "../../../../src/domain/alpha/alpha-performance.ts";
import {
  type AlphaScope,
  buildAlphaEnvelope,
  NOTHING_STORED,
  type StoredAlpha,
} from "../../../../src/domain/alpha/build-envelope.ts";
import { type AlphaCalculator, defaultAlphaCalculator } from "../../../../src/domain/alpha/calculator.ts";
import { ALPHA_KEYS } from "../../../../src/domain/alpha/metric-spec.ts";
import type { AlphaSeries } from "../../../../src/domain/alpha/series.ts";
import { appendReturns, emptyStatistics } from "../../../../src/domain/alpha/statistics.ts";
import { weightedReturns } from "../../../../src/domain/alpha/weighted-returns.ts";

const GOOD = [0.01, -0.02, 0.03];
const OTHER = [-0.01, 0.04, 0.02];

function returnsOf(worldId: string, strategyId: string, values: number[]): AlphaSeries {
  return { worldId, strategyId, kind: "returns", values, timesMs: [] };
}

function scope(worldId: string, weights: Readonly<Record<string, number>>): AlphaScope {
  return { worldId, strategyIds: Object.keys(weights), weights: new Map(Object.entries(weights)) };
}

function recorded(series: readonly AlphaSeries[]): StoredAlpha {
  const find = (worldId: string, strategyId: string): AlphaSeries | undefined =>
    series.find((one) => one.worldId === worldId && one.strategyId === strategyId);
  return {
    statistics(worldId, strategyId) {
      const found = find(worldId, strategyId);
      return found && appendReturns(emptyStatistics(), found.values);
    },
    series(worldId, strategyId) {
      const found = find(worldId, strategyId);
      return found && { returns: found.values, timesMs: [] };
    },
  };
}

function build(
  scopes: readonly AlphaScope[],
  requested: readonly AlphaSeries[],
  stored: StoredAlpha = NOTHING_STORED,
  calculator: AlphaCalculator = defaultAlphaCalculator,
) {
  return buildAlphaEnvelope({ scopes, requested, stored, calculator });
}

describe("the alpha envelope", () => {
  it("has real figures for every world and strategy with a known series (D-06)", () => {
    const own = [returnsOf("w", "", GOOD), returnsOf("w", "s", OTHER)];
    const envelope = build([scope("w", { s: 1 })], own);
    expect(envelope.perWorld.get("w")).to.deep.equal(alphaPerformance(GOOD).metrics);
    expect(envelope.perStrategy.get("s")?.get("w")).to.deep.equal(alphaPerformance(OTHER).metrics);
    expect(envelope.missing).to.deep.equal([]);
  });

  it("has six zeros for what nobody recorded, and says so", () => {
    const envelope = build([scope("w", { s: 1 })], []);
    expect([...(envelope.perWorld.get("w") ?? [])]).to.deep.equal(ALPHA_KEYS.map((key) => [key, 0]));
    expect(envelope.missing).to.deep.equal([
      { worldId: "w", strategyId: "", reason: "NO_SERIES", metrics: [] },
      { worldId: "w", strategyId: "s", reason: "NO_SERIES", metrics: [] },
    ]);
  });

  it("puts a world without own series together from its strategies by allocation", () => {
    const parts = [returnsOf("w", "a", [0.04, 0, -0.02]), returnsOf("w", "b", [0, 0.04, 0.02])];
    const envelope = build([scope("w", { a: 0.3, b: 0.1 })], parts);
    const expected = alphaPerformance([0.03, 0.01, -0.01]).metrics;
    for (const [key, value] of expected) {
      expect(envelope.perWorld.get("w")?.get(key), key).to.be.closeTo(value, 1e-12);
    }
  });

  it("leaves strategies without series out of their world, and lists them", () => {
    const envelope = build([scope("w", { a: 0.3, b: 0.7 })], [returnsOf("w", "a", GOOD)]);
    expect(envelope.perWorld.get("w")).to.deep.equal(alphaPerformance(GOOD).metrics);
    expect(envelope.missing.map(({ strategyId }) => strategyId)).to.deep.equal(["b"]);
  });

  it("does not put a world together from strategies without allocation", () => {
    const envelope = build([scope("w", { a: 0 })], [returnsOf("w", "a", GOOD)]);
    expect(envelope.missing).to.deep.equal([
      { worldId: "w", strategyId: "", reason: "NO_SERIES", metrics: [] },
    ]);
  });

  it("prefers the series of the request to the recorded one", () => {
    const stored = recorded([returnsOf("w", "s", OTHER), returnsOf("w", "", OTHER)]);
    const envelope = build([scope("w", { s: 1 })], [returnsOf("w", "s", GOOD)], stored);
    expect(envelope.perStrategy.get("s")?.get("w")).to.deep.equal(alphaPerformance(GOOD).metrics);
    expect(envelope.perWorld.get("w")).to.deep.equal(alphaPerformance(OTHER).metrics);
  });

  it("names the figures that alone are unknown", () => {
    const envelope = build([scope("w", {})], [returnsOf("w", "", [0.01, 0.02])]);
    expect(envelope.missing).to.deep.equal([
      {
        worldId: "w",
        strategyId: "",
        reason: "NOT_COMPUTABLE",
        metrics: [
          "alpha_performance.profit_factor",
          "alpha_performance.car_mdd",
          "alpha_performance.rar_mdd",
        ],
      },
    ]);
  });

  it("orders worlds and strategies by the bytes of their names, whatever order they came in", () => {
    const scopes = [scope("10", { z: 1, "\u{1f600}": 1, "\ue000": 1 }), scope("2", { z: 1 }), scope("1", {})];
    const envelope = build(scopes, []);
    expect([...envelope.perWorld.keys()]).to.deep.equal(["1", "10", "2"]);
    expect([...envelope.perStrategy.keys()]).to.deep.equal(["z", "\ue000", "\u{1f600}"]);
    expect(envelope.missing.map(({ worldId, strategyId }) => `${worldId}/${strategyId}`)).to.deep.equal([
      "1/",
      "10/",
      "10/z",
      "10/\ue000",
      "10/\u{1f600}",
      "2/",
      "2/z",
    ]);
  });

  it("keeps ids apart that would break plain objects", () => {
    const envelope = build(
      [scope("__proto__", { constructor: 1 })],
      [returnsOf("__proto__", "constructor", GOOD)],
    );
    expect(envelope.perStrategy.get("constructor")?.get("__proto__")).to.deep.equal(
      alphaPerformance(GOOD).metrics,
    );
  });

  it("carries the numbers of an injected calculator, asked even where no series is known (S19)", () => {
    const fake: AlphaCalculator = { wants: "statistics", calculate: () => alphaResult(() => 42) };
    const envelope = build([scope("w", { s: 1 })], [], NOTHING_STORED, fake);
    expect([...(envelope.perStrategy.get("s")?.get("w")?.values() ?? [])]).to.deep.equal([
      42, 42, 42, 42, 42, 42,
    ]);
    expect(envelope.missing).to.deep.equal([]);
  });

  it("gives a calculator the recorded returns where it wants them", () => {
    const seen: number[][] = [];
    const curious: AlphaCalculator = {
      wants: "series",
      calculate({ series }) {
        seen.push([...(series?.returns ?? [])]);
        return alphaResult(() => 0);
      },
    };
    build([scope("w", { s: 1 })], [], recorded([returnsOf("w", "s", GOOD)]), curious);
    expect(seen).to.deep.equal([GOOD, GOOD]);
  });

  it("cleans what an injected calculator answers (S20)", () => {
    const careless: AlphaCalculator = {
      wants: "statistics",
      calculate: () => ({ metrics: new Map([["alpha_performance.sharpe", Number.NaN]]), missing: [] }),
    };
    const envelope = build([scope("w", {})], [], NOTHING_STORED, careless);
    expect([...(envelope.perWorld.get("w") ?? [])]).to.deep.equal(ALPHA_KEYS.map((key) => [key, 0]));
    expect(envelope.missing).to.deep.equal([
      { worldId: "w", strategyId: "", reason: "NOT_COMPUTABLE", metrics: [] },
    ]);
  });
});

describe("returns put together by weight", () => {
  it("match by time where all parts have times", () => {
    const sum = weightedReturns([
      { weight: 1, series: { returns: [0.1, 0.2, 0.3], timesMs: [1, 2, 4] } },
      { weight: 3, series: { returns: [0.5, 0.6, 0.7], timesMs: [2, 3, 4] } },
    ]);
    expect(sum?.timesMs).to.deep.equal([2, 4]);
    expect(sum?.returns[0]).to.be.closeTo(0.25 * 0.2 + 0.75 * 0.5, 1e-15);
    expect(sum?.returns[1]).to.be.closeTo(0.25 * 0.3 + 0.75 * 0.7, 1e-15);
  });

  it("match from the latest return where a part has no times", () => {
    const sum = weightedReturns([
      { weight: 1, series: { returns: [9, 0.2, 0.4], timesMs: [] } },
      { weight: 1, series: { returns: [0, 0.2], timesMs: [1, 2] } },
    ]);
    expect(sum?.timesMs).to.deep.equal([]);
    expect(sum?.returns[0]).to.be.closeTo(0.1, 1e-15);
    expect(sum?.returns[1]).to.be.closeTo(0.3, 1e-15);
  });

  it("have no period where the parts have none in common", () => {
    const apart = weightedReturns([
      { weight: 1, series: { returns: [0.1], timesMs: [1] } },
      { weight: 1, series: { returns: [0.1], timesMs: [2] } },
    ]);
    expect(apart).to.deep.equal({ returns: [], timesMs: [] });
  });

  it("do not exist without a positive weight", () => {
    expect(weightedReturns([{ weight: 0, series: { returns: [1], timesMs: [] } }])).to.equal(undefined);
    expect(weightedReturns([])).to.equal(undefined);
  });
});
