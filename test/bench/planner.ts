/**
 * What reading and planning a rebalance costs per position, without a socket. The yardstick is protobuf-es decoding
 * the same rows in the same run.
 */
import { deepStrictEqual } from "node:assert";
import { planRebalance } from "../../src/domain/rebalance/index.ts";
import { positionsOf } from "../../src/rpc/wire/positions.ts";
import { type Book, makeBook, SYMBOLS } from "./support/book.ts";
import {
  atMost,
  type BenchValue,
  benchValue,
  inTurns,
  nanoseconds,
  type Rounds,
  summarize,
} from "./support/measure.ts";
import { answerBytes, decodeByHand, decodeOrdinarily, planOf } from "./support/plan.ts";

const COUNTS = [1_000, 10_000, 100_000, 1_000_000] as const;
const BIG = 100_000;
/** Positions per sample, so that a small book is measured over many plans. */
const POSITIONS_PER_SAMPLE = 100_000;
const UNIT = "ns/position";

interface Way {
  readonly name: string;
  readonly count: number;
  readonly work: () => unknown;
}

const perPosition = ({ count, work }: Way): number => {
  const repeats = Math.max(1, Math.floor(POSITIONS_PER_SAMPLE / count));
  const ns = nanoseconds(() => {
    for (let at = 0; at < repeats; at++) work();
  });
  return ns / (count * repeats);
};

export async function run(): Promise<BenchValue[]> {
  return [...(await varietyValues("few")), ...(await varietyValues("many"))];
}

type Variety = "few" | "many";

async function varietyValues(variety: Variety): Promise<BenchValue[]> {
  const books = COUNTS.map((count) => makeBook(count, SYMBOLS[variety]));
  const small = books.filter(({ count }) => count <= BIG);
  for (const book of small) checkOnce(book);
  // The million is measured apart, in fewer rounds, beside the ten thousand it is compared with.
  const measured = new Map([
    ...(await inTurns(small.flatMap(waysOf), { rounds: 9, warmUp: 12 }, perPosition)),
    ...(await inTurns(growthWays(books), { rounds: 5, warmUp: 2 }, perPosition)),
  ]);
  return named(variety, measured);
}

/** Every way to plan gives the bytes that the ordinary way gives. */
function checkOnce({ rows, table }: Book): void {
  const expected = answerBytes(decodeOrdinarily(rows));
  for (const request of [decodeByHand(rows), decodeByHand(table), decodeOrdinarily(table)]) {
    deepStrictEqual(answerBytes(request), expected);
  }
}

function waysOf(book: Book): Way[] {
  const { count, input, rows, table } = book;
  const kernel = {
    name: `kernel ${count}`,
    count,
    work: () => planRebalance(input, { kind: "scaling" }, "v2"),
  };
  if (count !== BIG) return [kernel];
  const read = (bytes: Uint8Array) => positionsOf(required(decodeByHand(bytes).rebalance), "rebalance");
  return [
    kernel,
    { name: "decode", count, work: () => decodeOrdinarily(rows) },
    { name: "read rows", count, work: () => read(rows) },
    { name: "read columns", count, work: () => read(table) },
    { name: "rows", count, work: () => planOf(decodeByHand(rows)) },
    { name: "columns", count, work: () => planOf(decodeByHand(table)) },
    { name: "ordinary", count, work: () => planOf(decodeOrdinarily(rows)) },
  ];
}

const GROWTH = { from: 10_000, to: 1_000_000 } as const;

function growthWays(books: readonly Book[]): Way[] {
  return books
    .filter(({ count }) => count === GROWTH.from || count === GROWTH.to)
    .flatMap(({ count, input, rows, table }) => [
      { name: `growth kernel ${count}`, count, work: () => planRebalance(input, { kind: "scaling" }, "v2") },
      { name: `growth rows ${count}`, count, work: () => planOf(decodeByHand(rows)) },
      { name: `growth columns ${count}`, count, work: () => planOf(decodeByHand(table)) },
    ]);
}

function named(variety: Variety, measured: ReadonlyMap<string, Rounds>): BenchValue[] {
  const of = (name: string) => measured.get(name);
  const decode = { name: `decode by protobuf-es, 100,000, ${variety} symbols`, rounds: of("decode") };
  const limits = variety === "few" ? LIMITS : undefined;
  const against = (key: keyof typeof LIMITS) =>
    limits === undefined ? decode : { ...decode, atMost: limits[key] };
  return [
    benchValue(decode.name, UNIT, decode.rounds),
    benchValue(`read rows, 100,000, ${variety} symbols`, UNIT, of("read rows"), against("readRows")),
    benchValue(`read columns, 100,000, ${variety} symbols`, UNIT, of("read columns"), decode),
    benchValue(`read and plan rows, 100,000, ${variety} symbols`, UNIT, of("rows"), against("rows")),
    benchValue(`read and plan columns, 100,000, ${variety} symbols`, UNIT, of("columns"), against("columns")),
    benchValue(`decode by protobuf-es and plan, 100,000, ${variety} symbols`, UNIT, of("ordinary"), decode),
    ...COUNTS.map((count) => {
      const rounds = of(`kernel ${count}`) ?? of(`growth kernel ${count}`);
      return benchValue(
        `planner kernel, ${count.toLocaleString("en")}, ${variety} symbols`,
        UNIT,
        rounds,
        decode,
      );
    }),
    ...["kernel", "rows", "columns"].map((way) => growth(way, variety, measured)),
  ];
}

/** 300 and 120 ns where protobuf-es takes 900 for a row; reading alone a fifth of that decode. */
const LIMITS = { readRows: 0.2, rows: 0.33, columns: 0.13 } as const;
const GROWTH_LIMIT = 1.3;

function growth(way: string, variety: Variety, measured: ReadonlyMap<string, Rounds>): BenchValue {
  const [from, to] = [GROWTH.from, GROWTH.to].map(
    (count) => measured.get(`growth ${way} ${count}`) ?? summarize([]),
  ) as [Rounds, Rounds];
  const value = benchValue(`cost at 1,000,000 of ${way}, ${variety} symbols`, UNIT, to, {
    name: `the same at 10,000`,
    rounds: from,
  });
  return { ...value, ...atMost(value.ratio ?? Number.NaN, GROWTH_LIMIT) };
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the request has no rebalance");
  return value;
}
