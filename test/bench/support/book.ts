import { create, toBinary } from "@bufbuild/protobuf";
import {
  type Position,
  PositionSchema,
  RebalanceRequestSchema,
} from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { columnsFromRows } from "../../../src/domain/rebalance/columns.ts";
import type { PositionColumns, RebalanceInput } from "../../../src/domain/rebalance/types.ts";

/** How many instruments a book trades: as a portfolio does, as all of a market's do, and as answers of 16,000 deltas need. */
export const SYMBOLS = { few: 100, many: 20_000, some: 500 } as const;

/** One book, in every form it is read from. */
export interface Book {
  readonly count: number;
  readonly input: RebalanceInput;
  /** PlanRebalanceRequest with rows, and the same with a position table. */
  readonly rows: Uint8Array;
  readonly table: Uint8Array;
}

const WORLDS = 10;
const STRATEGIES = 20;
const VENUES = ["binance", "bybit", "okx"] as const;
/** Rows encoded at a time: a million of them as objects would crowd out what is measured. */
const SLICE = 50_000;

const worldName = (at: number) => `world-${at}`;
const shares = (share: number) =>
  Object.fromEntries(Array.from({ length: WORLDS }, (_, at) => [worldName(at), share * (1 + at / 20)]));
const BEFORE = shares(0.08);
const AFTER = shares(0.05);

/** Positions `from` to `to` - 1 of a book: always the same ones. */
function positions(from: number, to: number, symbols: number): Position[] {
  return Array.from({ length: to - from }, (_, offset) => {
    const at = from + offset;
    const dice = Math.imul(at + 1, 0x9e3779b1) >>> 0;
    const symbol = (dice >>> 11) % symbols;
    return create(PositionSchema, {
      worldId: worldName((dice >>> 3) % WORLDS),
      strategyId: `strategy-${(dice >>> 7) % STRATEGIES}`,
      symbol: `SYM${symbol}USDT`,
      venue: VENUES[(dice >>> 5) % VENUES.length] as string,
      qty: ((dice % 20_000) - 10_000) / 8,
      mark: 1 + symbol / 4,
    });
  });
}

/** The same book for every call with the same arguments. */
export function makeBook(count: number, symbols: number): Book {
  const slices: Uint8Array[] = [];
  const all: Position[] = [];
  for (let from = 0; from < count; from += SLICE) {
    const slice = positions(from, Math.min(count, from + SLICE), symbols);
    slices.push(toBinary(RebalanceRequestSchema, create(RebalanceRequestSchema, { positions: slice })));
    all.push(...slice);
  }
  const columns = columnsFromRows(all.map((row) => ({ ...row, venue: row.venue })));
  return {
    count,
    input: inputOf(columns),
    rows: requestOf([...slices, restOf()]),
    table: requestOf([toBinary(RebalanceRequestSchema, tableOf(columns)), restOf()]),
  };
}

const TOTAL_EQUITY = 1e8;

function restOf(): Uint8Array {
  return toBinary(
    RebalanceRequestSchema,
    create(RebalanceRequestSchema, {
      totalEquity: TOTAL_EQUITY,
      worldAllocBefore: BEFORE,
      worldAllocAfter: AFTER,
    }),
  );
}

/** Encoded pieces of one message, one behind the other, are that message; here as field 1 of the request. */
function requestOf(pieces: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(pieces);
  const head: number[] = [0x0a];
  let left = content.length;
  for (; left >= 0x80; left >>>= 7) head.push((left & 0x7f) | 0x80);
  head.push(left);
  return Buffer.concat([Buffer.from(head), content]);
}

function tableOf(columns: PositionColumns) {
  const { worlds, strategies, symbols, venues } = columns;
  return create(RebalanceRequestSchema, {
    positionTable: {
      worlds: [...worlds],
      strategies: [...strategies],
      symbols: [...symbols],
      venues: [...venues],
      world: Array.from(columns.world),
      strategy: Array.from(columns.strategy),
      symbol: Array.from(columns.symbol),
      venue: Array.from(columns.venue),
      qty: Array.from(columns.qty),
      mark: Array.from(columns.mark),
    },
  });
}

function inputOf(columns: PositionColumns): RebalanceInput {
  return {
    totalEquity: TOTAL_EQUITY,
    worldBefore: new Map(Object.entries(BEFORE)),
    worldAfter: new Map(Object.entries(AFTER)),
    strategyBefore: new Map(),
    strategyAfter: new Map(),
    positions: columns,
    minTradeNotional: 0,
    lotBySymbol: new Map(),
  };
}
