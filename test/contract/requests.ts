/** Small requests in proto JSON that the contract snapshots are made of. */
import type { JsonObject } from "@bufbuild/protobuf";

/** Two worlds that share an instrument; lots and a short are in it. */
export const BOOK: JsonObject = {
  totalEquity: 1_000_000,
  worldAllocBefore: { alpha: 0.4, beta: 0.2 },
  worldAllocAfter: { alpha: 0.3, beta: 0.3 },
  positions: [
    { worldId: "alpha", strategyId: "trend", symbol: "BTCUSDT", venue: "binance", qty: 3, mark: 60_000 },
    { worldId: "alpha", strategyId: "carry", symbol: "ETHUSDT", venue: "binance", qty: -40, mark: 3_000 },
    { worldId: "beta", strategyId: "trend", symbol: "BTCUSDT", venue: "binance", qty: 2, mark: 60_000 },
    { worldId: "beta", strategyId: "value", symbol: "GLD", qty: 300, mark: 240 },
  ],
  minTradeNotional: 50,
  lotSizeBySymbol: { BTCUSDT: 0.001, ETHUSDT: 0.01, GLD: 1 },
};

export const OVERLAY: JsonObject = {
  instrumentByWorld: { alpha: "BTCUSDT_PERP", beta: "ES" },
  priceBySymbol: { BTCUSDT_PERP: 60_000, ES: 5_000 },
  minOrderNotional: 100,
};

/** The positions of BOOK as columns. */
export const TABLE: JsonObject = {
  worlds: ["alpha", "beta"],
  strategies: ["trend", "carry", "value"],
  symbols: ["BTCUSDT", "ETHUSDT", "GLD"],
  venues: ["binance"],
  world: [0, 0, 1, 1],
  strategy: [0, 1, 0, 2],
  symbol: [0, 1, 0, 2],
  venue: [1, 1, 1, 0],
  qty: [3, -40, 2, 300],
  mark: [60_000, 3_000, 60_000, 240],
};

const { positions: _rows, ...withoutPositions } = BOOK;
export const BOOK_WITHOUT_POSITIONS: JsonObject = withoutPositions;

/** An UpsertAllocations over the worlds of BOOK, without its run id. */
export const UPSERT: JsonObject = {
  totalEquity: 1_000_000,
  worldAllocations: { alpha: 0.3, beta: 0.3 },
  positions: BOOK.positions ?? [],
  minTradeNotional: 50,
  lotSizeBySymbol: BOOK.lotSizeBySymbol ?? {},
};
