import type { JsonObject } from "@bufbuild/protobuf";
import { expect } from "chai";
import { RebalanceService as V1 } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { RebalanceService as V2 } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { callJson, expectGolden } from "../support/golden.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { BOOK, BOOK_WITHOUT_POSITIONS, OVERLAY, TABLE } from "./requests.ts";

const METHODS = { v1: V1.method.planRebalance, v2: V2.method.planRebalance };

function position(changes: JsonObject): JsonObject {
  return {
    ...BOOK,
    positions: [{ worldId: "alpha", strategyId: "trend", symbol: "X", qty: 1, mark: 10, ...changes }],
  };
}

/** What is asked of both packages. */
const SHARED: Record<string, JsonObject> = {
  scaling: BOOK,
  "world-missing-in-after": { ...BOOK, worldAllocAfter: { alpha: 0.3 } },
  "strategy-missing-in-after": {
    ...BOOK,
    strategyAllocBeforeTotal: { alpha: { ratios: { trend: 0.2, carry: 0.2 } } },
    strategyAllocAfterTotal: { alpha: { ratios: { trend: 0.1 } } },
  },
  "strategy-sum-above-world": {
    ...BOOK,
    strategyAllocBeforeTotal: { alpha: { ratios: { trend: 0.2, carry: 0.2 } } },
    strategyAllocAfterTotal: { alpha: { ratios: { trend: 0.3, carry: 0.3 } } },
  },
  "world-without-positions": { ...BOOK, worldAllocAfter: { alpha: 0.3, beta: 0.3, gamma: 0.1 } },
  "mark-of-zero": position({ mark: 0 }),
  "mixed-marks": {
    ...BOOK,
    positions: [
      { worldId: "alpha", strategyId: "a", symbol: "X", qty: 100, mark: 100 },
      { worldId: "alpha", strategyId: "b", symbol: "X", qty: 0, mark: 200 },
    ],
    worldAllocAfter: { alpha: 0 },
  },
  "book-above-one": { ...BOOK, worldAllocAfter: { alpha: 0.9, beta: 0.9 } },
  "equity-of-zero": { ...BOOK, totalEquity: 0 },
  "below-minimum": { ...BOOK, minTradeNotional: 1e9 },
  "below-one-lot": { ...BOOK, lotSizeBySymbol: { BTCUSDT: 10, ETHUSDT: 1000, GLD: 1e6 } },
  empty: {},
  "refuses-quantity-not-a-number": position({ qty: "NaN" }),
  "refuses-infinite-quantity": position({ qty: "Infinity" }),
  "refuses-negative-mark": position({ mark: -1 }),
  "refuses-infinite-mark": position({ mark: "-Infinity" }),
  "refuses-empty-world-id": position({ worldId: "" }),
  "refuses-long-strategy-id": position({ strategyId: "x".repeat(10_000) }),
  "refuses-control-characters": position({ symbol: "BTC\u0000USDT" }),
  "refuses-negative-equity": { ...BOOK, totalEquity: -1 },
  "refuses-equity-not-a-number": { ...BOOK, totalEquity: "NaN" },
  "refuses-negative-minimum": { ...BOOK, minTradeNotional: -0.01 },
  "refuses-ratio-above-one": { ...BOOK, worldAllocAfter: { alpha: 1.5, beta: 0.1 } },
  "refuses-ratio-not-a-number": { ...BOOK, worldAllocBefore: { alpha: "NaN" } },
  "refuses-lot-of-zero": { ...BOOK, lotSizeBySymbol: { BTCUSDT: 0 } },
};

const V2_ONLY: Record<string, JsonObject> = {
  table: { ...BOOK_WITHOUT_POSITIONS, positionTable: TABLE },
  overlay: { ...BOOK, overlay: OVERLAY },
  "overlay-own-position": {
    ...BOOK,
    positions: [
      { worldId: "alpha", strategyId: "trend", symbol: "BTCUSDT", qty: 3, mark: 60_000 },
      { worldId: "alpha", strategyId: "hedge", symbol: "BTCUSDT_PERP", qty: -1, mark: 60_000 },
    ],
    overlay: OVERLAY,
  },
  "overlay-with-lots": { ...BOOK, lotSizeBySymbol: { BTCUSDT_PERP: 0.001, ES: 1 }, overlay: OVERLAY },
  hybrid: { ...BOOK, hybrid: { overlay: OVERLAY, scalingFraction: 0.5 } },
  "hybrid-all-underlying": { ...BOOK, hybrid: { overlay: OVERLAY } },
  "hybrid-all-overlay": { ...BOOK, hybrid: { overlay: OVERLAY, scalingFraction: 0 } },
  intent: {
    ...BOOK,
    rebalanceIntent: { meta: { reason: "monthly", tickets: ["T-1", 2], nested: { ok: true } } },
  },
  "refuses-overlay-without-instrument": {
    ...BOOK,
    overlay: { ...OVERLAY, instrumentByWorld: { alpha: "ES" } },
  },
  "refuses-overlay-without-price": { ...BOOK, overlay: { ...OVERLAY, priceBySymbol: { ES: 5_000 } } },
  "refuses-overlay-price-of-zero": {
    ...BOOK,
    overlay: { ...OVERLAY, priceBySymbol: { ES: 0, BTCUSDT_PERP: 1 } },
  },
  "refuses-empty-overlay": { ...BOOK, overlay: {} },
  "refuses-hybrid-without-overlay": { ...BOOK, hybrid: {} },
  "refuses-hybrid-fraction": { ...BOOK, hybrid: { overlay: OVERLAY, scalingFraction: 1.5 } },
  "refuses-rows-and-table": { ...BOOK, positionTable: TABLE },
  "refuses-unequal-columns": { ...BOOK_WITHOUT_POSITIONS, positionTable: { ...TABLE, qty: [1, 2] } },
  "refuses-index-out-of-range": {
    ...BOOK_WITHOUT_POSITIONS,
    positionTable: { ...TABLE, symbol: [0, 1, 0, 3] },
  },
};

describe("contract of PlanRebalance", () => {
  let open: TestServer;
  before(async () => {
    open = await startServer({ compat_rebalance_v2: true });
  });
  after(() => open.stop());

  for (const version of ["v1", "v2"] as const) {
    const cases = version === "v1" ? SHARED : { ...SHARED, ...V2_ONLY };
    for (const [name, rebalance] of Object.entries(cases)) {
      it(`answers ${name} in ${version} as recorded`, async () => {
        const outcome = await callJson(open.transport, METHODS[version], { rebalance });
        expect("error" in outcome, JSON.stringify(outcome)).to.equal(isRefused(version, name));
        expectGolden(`${version}/plan-rebalance.${name}`, outcome);
      });
    }

    it(`refuses a ${version} request without rebalance, naming the field`, async () => {
      expectGolden(
        `${version}/plan-rebalance.no-rebalance`,
        await callJson(open.transport, METHODS[version], {}),
      );
    });
  }

  it("gives the same plan for rows and table", async () => {
    const rows = await callJson(open.transport, METHODS.v2, { rebalance: BOOK });
    const table = await callJson(open.transport, METHODS.v2, {
      rebalance: { ...BOOK_WITHOUT_POSITIONS, positionTable: TABLE },
    });
    expect(table).to.deep.equal(rows);
  });
});

/** In v2 what v1 only warns of is refused too. */
function isRefused(version: "v1" | "v2", name: string): boolean {
  const onlyWarnedOfInV1 = ["world-missing-in-after", "strategy-missing-in-after", "mark-of-zero"];
  return name.startsWith("refuses-") || (version === "v2" && onlyWarnedOfInV1.includes(name));
}
