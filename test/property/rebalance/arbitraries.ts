import fc from "fast-check";
import {
  columnsFromRows,
  type OverlayConfig,
  type PositionRow,
  type RebalanceInput,
} from "../../../src/domain/rebalance/index.ts";

export const WORLDS = ["w0", "w1", "w2"];
const STRATEGIES = ["s0", "s1", "s2"];
const SYMBOLS = ["BTC", "ETH", "SOL", "XLK"];
const LOTS = [0.001, 0.01, 0.1, 0.5, 1, 0.25];

const ratio = fc.integer({ min: 0, max: 30 }).map((percent) => percent / 100);
/** Prices and quantities as venues quote them: decimals, not any double. */
const price = fc.integer({ min: 1, max: 60_000_00 }).map((cents) => cents / 100);
const quantity = fc.integer({ min: -100_000, max: 100_000 }).map((steps) => steps / 1000);

const marks = fc.array(price, { minLength: SYMBOLS.length, maxLength: SYMBOLS.length });

const row = fc.record({
  worldId: fc.constantFrom(...WORLDS),
  strategyId: fc.constantFrom(...STRATEGIES),
  symbolIndex: fc.nat(SYMBOLS.length - 1),
  venue: fc.constantFrom(undefined, "", "binance"),
  qty: quantity,
  mark: price,
});

const ratios = fc
  .tuple(ratio, ratio, ratio)
  .map((each) => new Map(each.map((value, at) => [`s${at}`, value])));
const strategyRatios = fc
  .array(fc.option(ratios, { nil: undefined }), { minLength: 3, maxLength: 3 })
  .map(
    (each) =>
      new Map(each.flatMap((map, at) => (map === undefined ? [] : [[WORLDS[at] as string, map] as const]))),
  );
const worldRatios = fc
  .tuple(ratio, ratio, ratio)
  .map((each) => new Map(each.map((value, at) => [`w${at}`, value])));
const lots = fc
  .array(fc.option(fc.constantFrom(...LOTS), { nil: undefined }), {
    minLength: SYMBOLS.length,
    maxLength: SYMBOLS.length,
  })
  .map(
    (each) =>
      new Map(each.flatMap((lot, at) => (lot === undefined ? [] : [[SYMBOLS[at] as string, lot] as const]))),
  );

/** A request together with the rows it was made from, and a price for each world's overlay instrument. */
export interface Request {
  readonly rows: readonly PositionRow[];
  readonly input: RebalanceInput;
}

/** Sound requests; `mixed` decides whether one symbol may have several marks. */
export function requests({ mixed }: { mixed: boolean }): fc.Arbitrary<Request> {
  return fc
    .record({
      rows: fc.array(row, { maxLength: 25 }),
      marks,
      worldBefore: worldRatios,
      worldAfter: worldRatios,
      strategyBefore: strategyRatios,
      strategyAfter: strategyRatios,
      minTradeNotional: fc.constantFrom(0, 10, 1000),
      lotBySymbol: lots,
      totalEquity: fc.constantFrom(0, 1000, 1_000_000),
    })
    .map(({ rows: drawn, marks: shared, ...rest }) => {
      const rows = drawn.map(({ symbolIndex, mark, ...each }) => ({
        ...each,
        symbol: SYMBOLS[symbolIndex] as string,
        mark: mixed ? mark : (shared[symbolIndex] as number),
      }));
      return { rows, input: { ...rest, positions: columnsFromRows(rows) } };
    });
}

/** An instrument of its own for each world. */
export const overlays: fc.Arbitrary<OverlayConfig & { readonly lots: ReadonlyMap<string, number> }> = fc
  .record({
    prices: fc.tuple(price, price, price),
    minOrderNotional: fc.constantFrom(0, 5, 500),
    lots: fc.array(fc.constantFrom(...LOTS), { minLength: 3, maxLength: 3 }),
  })
  .map(({ prices, minOrderNotional, lots: steps }) => ({
    instrumentByWorld: new Map(WORLDS.map((world) => [world, `${world}-PERP`])),
    priceBySymbol: new Map(prices.map((each, at) => [`w${at}-PERP`, each])),
    minOrderNotional,
    lots: new Map(steps.map((lot, at) => [`w${at}-PERP`, lot])),
  }));
