import type { PositionColumns } from "../../domain/rebalance/types.ts";
import { createInterner, type Interner, intern } from "./interner.ts";
import { BIT64, endOfUnknown, LENGTH_DELIMITED, UNUSUAL, varintLength, varintValue } from "./varint.ts";

/** Field numbers of `Position`, the same in both packages: four texts, then two numbers. */
const WORLD = 1;
const STRATEGY = 2;
const SYMBOL = 3;
const VENUE = 4;
const QTY = 5;
const MARK = 6;
const QTY_TAG = (QTY << 3) | BIT64;
/** A bit for each field whose tag this is, in the field's own encoding; 0 for all other bytes. */
const FIELD_BIT = new Uint8Array(256);
for (const field of [WORLD, STRATEGY, SYMBOL, VENUE]) FIELD_BIT[(field << 3) | LENGTH_DELIMITED] = 1 << field;
for (const field of [QTY, MARK]) FIELD_BIT[(field << 3) | BIT64] = 1 << field;
const QTY_BIT = 1 << QTY;
/** Texts that are empty where a row does not give them; a venue that is not given is none. */
const PLAIN_TEXTS = [WORLD, STRATEGY, SYMBOL] as const;
const PLAIN_TEXT_BITS = (1 << WORLD) | (1 << STRATEGY) | (1 << SYMBOL);

interface TextColumn {
  readonly interner: Interner;
  readonly index: Uint32Array;
  /** Index of the first name. */
  readonly first: 0 | 1;
}

interface RowReader {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** By field number. */
  readonly texts: readonly TextColumn[];
  readonly qty: Float64Array;
  readonly mark: Float64Array;
}

/**
 * Reads `repeated Position` into columns, without an object or a string per row.
 *
 * @param runs start and end of stretches of `bytes` that hold nothing but rows, each with a tag of one byte and a
 *   length that fits.
 * @param count rows in all runs together.
 * @returns undefined for what protobuf-es has to read itself: a field twice in a row, a wire type that is not the
 *   field's, groups, truncated or overlong values, invalid UTF-8.
 */
export function readRows(bytes: Buffer, runs: readonly number[], count: number): PositionColumns | undefined {
  const reader = createReader(bytes, count);
  let row = 0;
  for (let run = 0; run < runs.length; run += 2) {
    row = readRun(reader, runs[run] as number, runs[run + 1] as number, row);
    if (row === UNUSUAL) return undefined;
  }
  return columnsOf(reader, count);
}

function createReader(bytes: Buffer, count: number): RowReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const column = (first: 0 | 1): TextColumn => ({
    interner: createInterner(bytes, view),
    index: new Uint32Array(count),
    first,
  });
  return {
    bytes,
    view,
    texts: [column(0), column(0), column(0), column(0), column(1)],
    qty: new Float64Array(count),
    mark: new Float64Array(count),
  };
}

function columnsOf({ texts, qty, mark }: RowReader, count: number): PositionColumns {
  const [world, strategy, symbol, venue] = texts.slice(WORLD) as [
    TextColumn,
    TextColumn,
    TextColumn,
    TextColumn,
  ];
  return {
    count,
    worlds: world.interner.names,
    strategies: strategy.interner.names,
    symbols: symbol.interner.names,
    venues: venue.interner.names,
    world: world.index,
    strategy: strategy.index,
    symbol: symbol.index,
    venue: venue.index,
    qty,
    mark,
  };
}

/** Reads the rows of one stretch; the next row's number, or UNUSUAL. */
function readRun(reader: RowReader, start: number, end: number, firstRow: number): number {
  const { bytes } = reader;
  let row = firstRow;
  let pos = start;
  while (pos < end) {
    const lengthBytes = varintLength(bytes, pos + 1, end);
    const rowStart = pos + 1 + lengthBytes;
    pos = rowStart + varintValue(bytes, pos + 1, lengthBytes);
    if (!readRow(reader, rowStart, pos, row)) return UNUSUAL;
    row++;
  }
  return row;
}

function readRow(reader: RowReader, start: number, end: number, row: number): boolean {
  let pos = start;
  let seen = 0;
  while (pos < end) {
    const tag = reader.bytes[pos] as number;
    const bit = FIELD_BIT[tag] as number;
    if (bit === 0) {
      pos = endOfUnknown(reader.bytes, pos, end, MARK);
    } else {
      // The last of several would win, after the first was checked: rare enough to leave to protobuf-es.
      if ((seen & bit) !== 0) return false;
      seen |= bit;
      pos =
        bit < QTY_BIT
          ? readText(reader, tag >>> 3, pos + 1, end, row)
          : readNumber(reader, tag, pos + 1, end, row);
    }
    if (pos === UNUSUAL) return false;
  }
  return (seen & PLAIN_TEXT_BITS) === PLAIN_TEXT_BITS || fillEmptyTexts(reader, seen, row);
}

/** Interns the text whose length stands at `pos`; its end, or UNUSUAL. */
function readText(reader: RowReader, field: number, pos: number, end: number, row: number): number {
  const { bytes } = reader;
  const lengthBytes = varintLength(bytes, pos, end);
  if (lengthBytes === UNUSUAL) return UNUSUAL;
  const start = pos + lengthBytes;
  const textEnd = start + varintValue(bytes, pos, lengthBytes);
  if (textEnd > end) return UNUSUAL;
  const { interner, index, first } = reader.texts[field] as TextColumn;
  const name = intern(interner, start, textEnd);
  if (name === UNUSUAL) return UNUSUAL;
  index[row] = name + first;
  return textEnd;
}

function readNumber(reader: RowReader, tag: number, pos: number, end: number, row: number): number {
  if (pos + 8 > end) return UNUSUAL;
  const column = tag === QTY_TAG ? reader.qty : reader.mark;
  column[row] = reader.view.getFloat64(pos, true);
  return pos + 8;
}

function fillEmptyTexts({ texts }: RowReader, seen: number, row: number): boolean {
  for (const field of PLAIN_TEXTS) {
    if ((seen & (1 << field)) !== 0) continue;
    const { interner, index } = texts[field] as TextColumn;
    const name = intern(interner, 0, 0);
    if (name === UNUSUAL) return false;
    index[row] = name;
  }
  return true;
}
