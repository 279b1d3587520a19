/** Texts, small whole numbers and lists of them: all that a script call carries in one argument. */
export type Packable = string | number | readonly Packable[];

/**
 * Encodes as MessagePack, for `cmsgpack.unpack` in scripts. Every text carries its length, so nothing in it needs
 * escaping or is ever parsed; and one argument of a batch is several times cheaper than a thousand of them, here and
 * in Redis. Whole numbers from 0 to 2^32 - 1 only: larger ones travel as text.
 */
export function pack(value: Packable): Buffer {
  const end = writeValue(0, value);
  return Buffer.from(scratch.subarray(0, end));
}

let scratch = Buffer.allocUnsafe(64 * 1024);

const UINT16 = 0xcd;
const UINT32 = 0xce;
const STR16 = 0xda;
const STR32 = 0xdb;
const ARRAY16 = 0xdc;
const ARRAY32 = 0xdd;
const MOST_HEADER = 5;
/** UTF-8 of one UTF-16 unit is three bytes at most. */
const MOST_BYTES_PER_UNIT = 3;

function writeValue(at: number, value: Packable): number {
  if (typeof value === "string") return writeText(at, value);
  if (typeof value === "number") return writeNumber(at, value);
  let position = writeHeader(at, value.length, ARRAY16, ARRAY32);
  for (const item of value) position = writeValue(position, item);
  return position;
}

function writeText(at: number, text: string): number {
  const most = text.length * MOST_BYTES_PER_UNIT;
  reserve(at, most + MOST_HEADER);
  if (most > 0xffff) {
    const bytes = scratch.write(text, at + 5);
    scratch[at] = STR32;
    scratch.writeUInt32BE(bytes, at + 1);
    return at + 5 + bytes;
  }
  const bytes = scratch.write(text, at + 3);
  scratch[at] = STR16;
  scratch[at + 1] = bytes >> 8;
  scratch[at + 2] = bytes & 0xff;
  return at + 3 + bytes;
}

function writeNumber(at: number, value: number): number {
  reserve(at, MOST_HEADER);
  if (value < 0x80) {
    scratch[at] = value;
    return at + 1;
  }
  return writeHeader(at, value, UINT16, UINT32);
}

function writeHeader(at: number, value: number, short: number, long: number): number {
  reserve(at, MOST_HEADER);
  if (value <= 0xffff) {
    scratch[at] = short;
    scratch.writeUInt16BE(value, at + 1);
    return at + 3;
  }
  scratch[at] = long;
  scratch.writeUInt32BE(value, at + 1);
  return at + 5;
}

/** Makes room; what was written so far is kept. */
function reserve(at: number, bytes: number): void {
  if (at + bytes <= scratch.length) return;
  const larger = Buffer.allocUnsafe(Math.max(scratch.length * 2, at + bytes));
  scratch.copy(larger, 0, 0, at);
  scratch = larger;
}
