import { expect } from "chai";
import { openSqliteStore } from "../../../../src/adapters/sqlite/index.ts";
import type { AlphaScope } from "../../../../src/domain/alpha/build-envelope.ts";
import { parseSeries } from "../../../../src/domain/alpha/parse-series.ts";
import { recordReturns } from "../../../../src/domain/alpha/recorded-series.ts";
import {
  type AlphaSource,
  createAlphaSource,
} from "../../../../src/orchestration/alpha-metrics/alpha-source.ts";
import { createBudgetedCache } from "../../../../src/orchestration/alpha-metrics/budgeted-cache.ts";
import {
  markerKey,
  recordedPuts,
  seriesKey,
} from "../../../../src/orchestration/alpha-metrics/series-docs.ts";
import { defaultAlphaCalculator } from "../../../../src/ports/alpha-calculator.ts";
import type { OpenedStore } from "../../../../src/ports/opened-store.ts";
import type { Store } from "../../../../src/ports/store.ts";

interface Counts {
  reads: number;
  statistics: number;
  series: number;
}

/** Lets every read through to the store of the moment and counts what it asked for. */
function counted(current: () => Store, counts: Counts): Store {
  return {
    ...current(),
    read(query) {
      counts.reads++;
      for (const { kind } of query.keys) {
        if (kind === "series_stats") counts.statistics++;
        if (kind === "series") counts.series++;
      }
      return current().read(query);
    },
  };
}

describe("the source of alpha figures", () => {
  let opened: OpenedStore;
  let source: AlphaSource;
  const counts: Counts = { reads: 0, statistics: 0, series: 0 };
  beforeEach(async () => {
    opened = await openSqliteStore({ path: ":memory:", book: "main", lockTtlMs: 5000 });
    source = createAlphaSource(
      counted(() => opened.store, counts),
      defaultAlphaCalculator,
    );
    Object.assign(counts, { reads: 0, statistics: 0, series: 0 });
  });
  afterEach(() => opened.close());

  let marks = 0;
  async function record(worldId: string, strategyId: string, values: number[]): Promise<void> {
    const series = parseSeries({ worldId, strategyId, kind: "returns", values, timesMs: [] }, "series");
    const puts = recordedPuts(series, recordReturns(undefined, series));
    await opened.store.commit({
      puts: [...puts, { key: markerKey(worldId), body: JSON.stringify(++marks) }],
    });
  }

  function scope(worldId: string, ids: string[]): AlphaScope {
    return { worldId, strategyIds: ids, weights: new Map(ids.map((id) => [id, 1])) };
  }

  async function winRatio(worldId: string, ids: string[], strategyId = ""): Promise<number | undefined> {
    const envelope = await source.envelope({ scopes: [scope(worldId, ids)], requested: [] });
    const figures =
      strategyId === "" ? envelope.perWorld.get(worldId) : envelope.perStrategy.get(strategyId)?.get(worldId);
    return figures?.get("alpha_performance.win_ratio");
  }

  const STRATEGIES = Array.from({ length: 100 }, (_, i) => `s${i}`);

  it("reads one marker where nothing was ever recorded", async () => {
    expect(await winRatio("w", STRATEGIES)).to.equal(0);
    expect(counts).to.deep.equal({ reads: 1, statistics: 0, series: 0 });
  });

  it("reads statistics once, and no returns where the world has a series of its own", async () => {
    await record("w", "", [0.1, -0.1]);
    await record("w", "s1", [0.1]);
    expect(await winRatio("w", STRATEGIES)).to.equal(0.5);
    expect(counts).to.deep.equal({ reads: 2, statistics: 101, series: 0 });
    for (let i = 0; i < 3; i++) expect(await winRatio("w", STRATEGIES, "s1")).to.equal(1);
    expect(counts).to.deep.equal({ reads: 5, statistics: 101, series: 0 });
  });

  it("reads nothing at all where the caller brings the markers", async () => {
    await record("w", "s1", [0.1]);
    await winRatio("w", ["s1"]);
    const { docs } = await opened.store.read({ keys: [markerKey("w")] });
    const before = counts.reads;
    const marked = new Map([["w", `${docs[0]?.version} ${docs[0]?.body}`]]);
    await source.envelope({ scopes: [scope("w", ["s1"])], requested: [], marks: marked });
    expect(counts.reads).to.equal(before);
  });

  it("keeps the returns of what did not change when something else is recorded", async () => {
    await record("w", "s1", [0.1, 0.2]);
    await record("w", "s2", [-0.1, -0.2]);
    expect(await winRatio("w", ["s1", "s2"])).to.equal(0);
    expect(counts.series).to.equal(2);
    await record("w", "s2", [0.1, -0.3]);
    expect(await winRatio("w", ["s1", "s2"])).to.equal(0.5);
    expect(counts.series, "only s2 is read again").to.equal(3);
  });

  it("forgets a world whose commits were lost and whose revisions are counted again", async () => {
    await record("w", "s1", [0.1]);
    expect(await winRatio("w", ["s1"], "s1")).to.equal(1);
    const versionOf = async () => (await opened.store.read({ keys: [markerKey("w")] })).docs[0]?.version;
    const before = await versionOf();
    await opened.close();
    opened = await openSqliteStore({ path: ":memory:", book: "main", lockTtlMs: 5000 });
    await record("w", "s1", [-0.1]);
    expect(await versionOf(), "the same revision again").to.equal(before);
    expect(await winRatio("w", ["s1"], "s1")).to.equal(0);
  });

  it("asks for more strategies of a known world without mixing two states of it", async () => {
    await record("w", "s1", [0.1]);
    expect(await winRatio("w", ["s1"], "s1")).to.equal(1);
    await record("w", "s2", [0.1]);
    await record("w", "s1", [-0.1]);
    expect(await winRatio("w", ["s1", "s2"], "s1")).to.equal(0);
    expect(await winRatio("w", ["s1", "s2"], "s2")).to.equal(1);
  });

  it("survives a series that is taken away while it is read", async () => {
    await record("w", "s1", [0.1]);
    await opened.store.commit({ deletes: [seriesKey({ worldId: "w", strategyId: "s1" })] });
    expect(await winRatio("w", ["s1"])).to.equal(0);
  });
});

describe("a budgeted cache", () => {
  it("forgets what was not used for longest, down to its budget", () => {
    const cache = createBudgetedCache<string, number>(3);
    for (const [i, key] of ["a", "b", "c"].entries()) cache.set(key, i, 1);
    cache.get("a");
    cache.set("d", 3, 1);
    expect(["a", "b", "c", "d"].map((key) => cache.get(key))).to.deep.equal([0, undefined, 2, 3]);
    cache.set("huge", 9, 4);
    expect(["a", "c", "d", "huge"].map((key) => cache.get(key))).to.deep.equal([0, 2, 3, undefined]);
    cache.set("a", 1, 2);
    cache.set("a", 2, 3);
    expect(cache.get("a")).to.equal(2);
  });
});
