import { decodeId } from "./interner.ts";
import type { TableColumns } from "./table-columns.ts";
import {
  BIT64,
  endOfUnknown,
  endOfValue,
  LENGTH_DELIMITED,
  UNUSUAL,
  VARINT,
  varintLength,
  varintValue,
} from "./varint.ts";

/** Field numbers of `PositionTable`: dictionaries, indexes, numbers. */
const LAST_DICTIONARY = 4;
const LAST_INDEX = 8;
const LAST_NUMBER = 10;

/** Whether the machine keeps doubles as the wire does, so that a packed column is a copy of its bytes. */
const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** A column that arrives in pieces: mostly one, but every encoding may be cut anywhere and mixed. */
interface Column<A extends Uint32Array | Float64Array> {
  values: A;
  length: number;
}

interface TableReader {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Fields 1 to 4, by number. */
  readonly dictionaries: readonly string[][];
  /** Fields 5 to 8, by number - 5. */
  readonly indexes: readonly Column<Uint32Array>[];
  /** Fields 9 and 10, by number - 9. */
  readonly numbers: readonly Column<Float64Array>[];
}

/**
 * Reads a `PositionTable` from bytes[start, end) into arrays, packed and unpacked columns alike.
 *
 * @returns undefined for what protobuf-es has to read itself, as in `readRows`.
 */
export function readTable(bytes: Buffer, start: number, end: number): TableColumns | undefined {
  const reader: TableReader = {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    dictionaries: [[], [], [], [], []],
    indexes: [indexColumn(), indexColumn(), indexColumn(), indexColumn()],
    numbers: [numberColumn(), numberColumn()],
  };
  let pos = start;
  while (pos < end) {
    pos = readField(reader, pos, end);
    if (pos === UNUSUAL) return undefined;
  }
  return tableOf(reader);
}

const indexColumn = (): Column<Uint32Array> => ({ values: new Uint32Array(0), length: 0 });
const numberColumn = (): Column<Float64Array> => ({ values: new Float64Array(0), length: 0 });

function tableOf({ dictionaries, indexes, numbers }: TableReader): TableColumns {
  const [, worlds, strategies, symbols, venues] = dictionaries as Five<string[]>;
  const [world, strategy, symbol, venue] = indexes.map(filled) as Four<Uint32Array>;
  const [qty, mark] = numbers.map(filled) as [Float64Array, Float64Array];
  return { worlds, strategies, symbols, venues, world, strategy, symbol, venue, qty, mark };
}

type Four<T> = [T, T, T, T];
type Five<T> = [T, T, T, T, T];

function filled<A extends Uint32Array | Float64Array>({ values, length }: Column<A>) {
  return values.length === length ? values : values.subarray(0, length);
}

/** Reads the field whose tag stands at `pos`; its end, or UNUSUAL. */
function readField(reader: TableReader, pos: number, end: number): number {
  const { bytes } = reader;
  const tag = bytes[pos] as number;
  const field = tag >>> 3;
  if (tag >= 0x80 || field > LAST_NUMBER) return endOfUnknown(bytes, pos, end, LAST_NUMBER);
  const wireType = tag & 7;
  const valueEnd = endOfValue(bytes, pos + 1, end, wireType);
  if (valueEnd === UNUSUAL || field === 0) return UNUSUAL;
  const start = wireType === LENGTH_DELIMITED ? pos + 1 + varintLength(bytes, pos + 1, end) : pos + 1;
  return readValue(reader, field, wireType, start, valueEnd) ? valueEnd : UNUSUAL;
}

function readValue(
  reader: TableReader,
  field: number,
  wireType: number,
  start: number,
  end: number,
): boolean {
  if (field <= LAST_DICTIONARY) {
    return wireType === LENGTH_DELIMITED && addName(reader, field, start, end);
  }
  if (field <= LAST_INDEX) {
    const column = reader.indexes[field - LAST_DICTIONARY - 1] as Column<Uint32Array>;
    return (
      (wireType === LENGTH_DELIMITED || wireType === VARINT) && addIndexes(reader.bytes, column, start, end)
    );
  }
  const column = reader.numbers[field - LAST_INDEX - 1] as Column<Float64Array>;
  return (wireType === LENGTH_DELIMITED || wireType === BIT64) && addNumbers(reader, column, start, end);
}

function addName({ bytes, dictionaries }: TableReader, field: number, start: number, end: number): boolean {
  const name = decodeId(bytes, start, end);
  if (name === undefined) return false;
  dictionaries[field]?.push(name);
  return true;
}

/** Adds the varints that fill bytes[start, end). */
function addIndexes(bytes: Uint8Array, column: Column<Uint32Array>, start: number, end: number): boolean {
  // A value has at least one byte.
  const values = room(column, end - start, (size) => new Uint32Array(size));
  let { length } = column;
  let pos = start;
  while (pos < end) {
    const byte = bytes[pos] as number;
    if (byte < 0x80) {
      values[length++] = byte;
      pos++;
      continue;
    }
    const size = varintLength(bytes, pos, end);
    if (size === UNUSUAL) return false;
    values[length++] = varintValue(bytes, pos, size);
    pos += size;
  }
  column.length = length;
  return true;
}

/** Adds the doubles that fill bytes[start, end). */
function addNumbers(reader: TableReader, column: Column<Float64Array>, start: number, end: number): boolean {
  const count = (end - start) / 8;
  if (!Number.isInteger(count)) return false;
  const values = room(column, count, (size) => new Float64Array(size));
  if (LITTLE_ENDIAN) {
    new Uint8Array(values.buffer, column.length * 8, end - start).set(reader.bytes.subarray(start, end));
  } else {
    for (let at = 0; at < count; at++) {
      values[column.length + at] = reader.view.getFloat64(start + at * 8, true);
    }
  }
  column.length += count;
  return true;
}

/** The column's array, with room for `more` values behind those it has. */
function room<A extends Uint32Array | Float64Array>(
  column: Column<A>,
  more: number,
  allocate: (size: number) => A,
): A {
  const needed = column.length + more;
  if (needed <= column.values.length) return column.values;
  const values = allocate(column.length === 0 ? needed : Math.max(needed, column.values.length * 2));
  values.set(column.values.subarray(0, column.length));
  column.values = values;
  return values;
}
