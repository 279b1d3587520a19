import { expect } from "chai";
import { parseSeries, type SeriesInput } from "../../../../src/domain/alpha/parse-series.ts";
import {
  type Recorded,
  type RecordedChange,
  recordReturns,
} from "../../../../src/domain/alpha/recorded-series.ts";
import type { AlphaSeries } from "../../../../src/domain/alpha/series.ts";
import { appendReturns, emptyStatistics } from "../../../../src/domain/alpha/statistics.ts";

function series(values: number[], timesMs: number[], kind: SeriesInput["kind"] = "returns"): AlphaSeries {
  return parseSeries({ worldId: "w", strategyId: "s", kind, values, timesMs }, "series[0]");
}

function recordAll(parts: readonly AlphaSeries[], retention?: number): RecordedChange {
  let recorded: RecordedChange | undefined;
  for (const part of parts) recorded = recordReturns(recorded, part, retention);
  return recorded as RecordedChange;
}

function contents({ series: kept, statistics }: Recorded) {
  return { kept, statistics };
}

const statisticsOf = (returns: number[]) => appendReturns(emptyStatistics(), returns);

describe("recording returns", () => {
  it("piece by piece gives the same as at once, to the bit", () => {
    const whole = recordAll([series([0.1, -0.2, 0.3, 0.4], [1, 2, 3, 4])]);
    const pieces = recordAll([series([0.1, -0.2], [1, 2]), series([0.3, 0.4], [3, 4])]);
    expect(contents(pieces)).to.deep.equal(contents(whole));
  });

  it("gives the same in whatever order the pieces come", () => {
    const whole = recordAll([series([0.1, -0.2, 0.3, 0.4], [1, 2, 3, 4])]);
    const pieces = recordAll([series([-0.2, 0.4], [2, 4]), series([0.3], [3]), series([0.1], [1])]);
    expect(contents(pieces)).to.deep.equal(contents(whole));
  });

  it("changes nothing when the same periods come again", () => {
    const first = recordReturns(undefined, series([0.1, -0.2], [1, 2]));
    expect(first.changed).to.equal(true);
    const again = recordReturns(first, series([0.1, -0.2], [1, 2]));
    expect(again).to.deep.equal({ ...first, changed: false });
  });

  it("appends only what is new of a batch that overlaps", () => {
    const both = recordAll([series([0.1, -0.2], [1, 2]), series([-0.2, 0.3], [2, 3])]);
    expect(both.series.returns).to.deep.equal([0.1, -0.2, 0.3]);
    expect(both.statistics).to.deep.equal(statisticsOf([0.1, -0.2, 0.3]));
  });

  it("replaces the return of a known period and counts anew", () => {
    const both = recordAll([series([0.1, -0.2, 0.3], [1, 2, 3]), series([0.5], [2])]);
    expect(both.series.returns).to.deep.equal([0.1, 0.5, 0.3]);
    expect(both.statistics).to.deep.equal(statisticsOf([0.1, 0.5, 0.3]));
  });

  it("continues levels that overlap by one", () => {
    const levels = recordAll([series([100, 110], [1, 2], "equity"), series([110, 99], [2, 3], "equity")]);
    expect(contents(levels)).to.deep.equal(
      contents(recordAll([series([100, 110, 99], [1, 2, 3], "equity")])),
    );
  });

  it("keeps the latest returns and the statistics of all", () => {
    const recorded = recordAll([series([0.1, 0.2], [1, 2]), series([0.3, 0.4], [3, 4])], 3);
    expect(recorded.series.returns).to.deep.equal([0.2, 0.3, 0.4]);
    expect(recorded.series.timesMs).to.deep.equal([2, 3, 4]);
    expect(recorded.statistics).to.deep.equal(statisticsOf([0.1, 0.2, 0.3, 0.4]));
  });

  it("counts the dropped returns in when a kept one is replaced", () => {
    const recorded = recordAll([series([0.1, 0.2, 0.3], [1, 2, 3]), series([-0.5], [3])], 2);
    expect(recorded.series.returns).to.deep.equal([0.2, -0.5]);
    expect(recorded.statistics).to.deep.equal(statisticsOf([0.1, 0.2, -0.5]));
  });

  it("passes over values for periods that were dropped", () => {
    const first = recordAll([series([0.1, 0.2, 0.3], [1, 2, 3])], 1);
    expect(recordReturns(first, series([0.9, 0.2, 0.3], [1, 2, 3]), 1).changed).to.equal(false);
  });

  it("replaces the whole with a series without times, and that with one that has times", () => {
    const undated = recordAll([series([0.1, 0.2], [1, 2]), series([0.3], [])]);
    expect(undated.series).to.deep.include({ returns: [0.3], timesMs: [] });
    expect(undated.statistics).to.deep.equal(statisticsOf([0.3]));
    const dated = recordReturns(undated, series([0.4], [7]));
    expect(dated.series).to.deep.include({ returns: [0.4], timesMs: [7] });
    expect(dated.statistics).to.deep.equal(statisticsOf([0.4]));
  });

  it("knows a series without times again, whole or trimmed", () => {
    for (const retention of [1, 10]) {
      const first = recordReturns(undefined, series([0.1, -0.2, 0.3], []), retention);
      expect(recordReturns(first, series([0.1, -0.2, 0.3], []), retention).changed).to.equal(false);
      expect(recordReturns(first, series([-0.2, 0.1, 0.3], []), retention).changed).to.equal(true);
    }
  });
});
