/** Bytes being written. It grows as it must; what is written is at [0, pos). */
export interface Output {
  bytes: Buffer;
  view: DataView;
  pos: number;
}

const FIRST_SIZE = 4096;
/** Longer texts are left to node's own encoder. */
const SHORT_TEXT = 64;

export function createOutput(): Output {
  return withBytes(Buffer.allocUnsafeSlow(FIRST_SIZE), 0);
}

function withBytes(bytes: Buffer, pos: number): Output {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), pos };
}

/** Makes room for `size` more bytes. */
export function reserve(out: Output, size: number): void {
  if (out.pos + size > out.bytes.length) grow(out, out.pos + size);
}

function grow(out: Output, needed: number): void {
  const { bytes, view } = withBytes(Buffer.allocUnsafeSlow(Math.max(needed, out.bytes.length * 2)), 0);
  bytes.set(out.bytes.subarray(0, out.pos));
  out.bytes = bytes;
  out.view = view;
}

/** A tag below 128: of a field below 16. */
export function writeTag(out: Output, tag: number): void {
  reserve(out, 1);
  out.bytes[out.pos++] = tag;
}

export function writeVarint(out: Output, value: number): void {
  reserve(out, 5);
  let left = value >>> 0;
  for (; left >= 0x80; left >>>= 7) out.bytes[out.pos++] = (left & 0x7f) | 0x80;
  out.bytes[out.pos++] = left;
}

/** As protobuf wants it: a negative number has ten bytes. */
export function writeInt32(out: Output, value: number): void {
  if (value >= 0) {
    writeVarint(out, value);
    return;
  }
  reserve(out, 10);
  let left = value;
  for (let at = 0; at < 9; at++, left >>= 7) out.bytes[out.pos++] = (left & 0x7f) | 0x80;
  out.bytes[out.pos++] = 1;
}

export function writeDouble(out: Output, value: number): void {
  reserve(out, 8);
  out.view.setFloat64(out.pos, value, true);
  out.pos += 8;
}

/** A text with its length before it. */
export function writeText(out: Output, text: string): void {
  const { length } = text;
  if (length > SHORT_TEXT || !writeAscii(out, text)) writeLongText(out, text);
}

/** False, with nothing written, where the text is not all ASCII. */
function writeAscii(out: Output, text: string): boolean {
  const { length } = text;
  reserve(out, length + 1);
  const { bytes, pos } = out;
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) return false;
    bytes[pos + 1 + at] = code;
  }
  bytes[pos] = length;
  out.pos = pos + 1 + length;
  return true;
}

function writeLongText(out: Output, text: string): void {
  const size = Buffer.byteLength(text, "utf8");
  writeVarint(out, size);
  reserve(out, size);
  out.pos += out.bytes.write(text, out.pos, "utf8");
}

/** Begins something whose length stands before it; what it gives goes to `endDelimited`. */
export function beginDelimited(out: Output): number {
  reserve(out, 1);
  return out.pos++;
}

/** Ends it: one byte was kept for the length, longer ones move the content. */
export function endDelimited(out: Output, start: number): void {
  const size = out.pos - start - 1;
  if (size < 0x80) {
    out.bytes[start] = size;
    return;
  }
  const more = varintSize(size) - 1;
  reserve(out, more);
  out.bytes.copyWithin(start + 1 + more, start + 1, out.pos);
  out.pos = start;
  writeVarint(out, size);
  out.pos += size;
}

function varintSize(value: number): number {
  let size = 1;
  for (let left = value; left >= 0x80; left = Math.floor(left / 0x80)) size++;
  return size;
}
