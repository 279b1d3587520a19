import { expect } from "chai";
import { parseSeries, type SeriesInput } from "../../../../src/domain/alpha/parse-series.ts";
import { type RecordedSeries, recordReturns } from "../../../../src/domain/alpha/recorded-series.ts";
import type { AlphaSeries } from "../../../../src/domain/alpha/series.ts";
import { DomainError } from "../../../../src/domain/errors.ts";

function timed(values: number[], timesMs: number[], kind: SeriesInput["kind"] = "returns"): AlphaSeries {
  return parseSeries({ worldId: "w", strategyId: "s", kind, values, timesMs }, "series[0]", { timed: true });
}

function recordAll(parts: readonly AlphaSeries[], retention?: number): RecordedSeries | undefined {
  let recorded: RecordedSeries | undefined;
  for (const part of parts) recorded = recordReturns(recorded, part, "series[0]", retention).series;
  return recorded;
}

describe("recording returns", () => {
  it("piece by piece gives the same as at once, to the bit", () => {
    const whole = recordAll([timed([0.1, -0.2, 0.3, 0.4], [1, 2, 3, 4])]);
    expect(recordAll([timed([0.1, -0.2], [1, 2]), timed([0.3, 0.4], [3, 4])])).to.deep.equal(whole);
  });

  it("changes nothing when the same periods come again", () => {
    const first = recordReturns(undefined, timed([0.1, -0.2], [1, 2]), "series[0]");
    expect(first.appended).to.equal(2);
    const again = recordReturns(first.series, timed([0.1, -0.2], [1, 2]), "series[0]");
    expect(again).to.deep.equal({ series: first.series, appended: 0 });
  });

  it("appends only what is new of a batch that overlaps", () => {
    const first = recordReturns(undefined, timed([0.1, -0.2], [1, 2]), "series[0]");
    const next = recordReturns(first.series, timed([-0.2, 0.3], [2, 3]), "series[0]");
    expect(next.appended).to.equal(1);
    expect(next.series.returns).to.deep.equal([0.1, -0.2, 0.3]);
    expect(next.series.statistics.periods).to.equal(3);
  });

  it("continues levels that overlap by one", () => {
    const levels = recordAll([timed([100, 110], [1, 2], "equity"), timed([110, 99], [2, 3], "equity")]);
    expect(levels).to.deep.equal(recordAll([timed([100, 110, 99], [1, 2, 3], "equity")]));
  });

  it("refuses another return for a recorded period, and a period between recorded ones", () => {
    const first = recordReturns(undefined, timed([0.1, -0.2], [1, 3]), "series[0]").series;
    for (const wrong of [timed([0.5], [1]), timed([0.5], [2])]) {
      expect(() => recordReturns(first, wrong, "series[0]")).to.throw(DomainError, "series[0].times");
    }
  });

  it("keeps the latest returns and the statistics of all", () => {
    const recorded = recordAll([timed([0.1, 0.2], [1, 2]), timed([0.3, 0.4], [3, 4])], 3);
    expect(recorded?.returns).to.deep.equal([0.2, 0.3, 0.4]);
    expect(recorded?.timesMs).to.deep.equal([2, 3, 4]);
    expect(recorded?.statistics.periods).to.equal(4);
  });

  it("takes periods that were dropped from memory for repeats", () => {
    const recorded = recordAll([timed([0.1, 0.2, 0.3], [1, 2, 3])], 1);
    const again = recordReturns(recorded, timed([0.1, 0.2, 0.3], [1, 2, 3]), "series[0]", 1);
    expect(again.appended).to.equal(0);
  });
});
