/** What a reader here says of bytes it does not take on: protobuf-es reads (or refuses) those. */
export const UNUSUAL = -1;

/** Wire types of the protobuf encoding. */
export const VARINT = 0;
export const BIT64 = 1;
export const LENGTH_DELIMITED = 2;
export const BIT32 = 5;

/** Length in bytes of the varint at `pos`, 1..5, or UNUSUAL where it does not end before `end` or passes 32 bits. */
export function varintLength(bytes: Uint8Array, pos: number, end: number): number {
  if (pos < end && (bytes[pos] as number) < 0x80) return 1;
  return longVarintLength(bytes, pos, end);
}

function longVarintLength(bytes: Uint8Array, pos: number, end: number): number {
  for (let length = 1; length <= 5 && pos + length <= end; length++) {
    const byte = bytes[pos + length - 1] as number;
    if (byte < 0x80) return length === 5 && byte > 0x0f ? UNUSUAL : length;
  }
  return UNUSUAL;
}

/** Value of the varint of that length at `pos`, 0..2^32-1. */
export function varintValue(bytes: Uint8Array, pos: number, length: number): number {
  return length === 1 ? (bytes[pos] as number) : longVarintValue(bytes, pos, length);
}

function longVarintValue(bytes: Uint8Array, pos: number, length: number): number {
  let value = 0;
  for (let at = length - 1; at >= 0; at--) value = value * 128 + ((bytes[pos + at] as number) & 0x7f);
  return value;
}

/**
 * End of the value at `pos` of a field with that wire type; UNUSUAL for groups, for values that do not end before
 * `end` and for varints of more than ten bytes.
 */
export function endOfValue(bytes: Uint8Array, pos: number, end: number, wireType: number): number {
  switch (wireType) {
    case VARINT:
      return endOfVarint(bytes, pos, end);
    case BIT64:
      return pos + 8 <= end ? pos + 8 : UNUSUAL;
    case BIT32:
      return pos + 4 <= end ? pos + 4 : UNUSUAL;
    case LENGTH_DELIMITED:
      return endOfDelimited(bytes, pos, end);
    default:
      return UNUSUAL;
  }
}

function endOfVarint(bytes: Uint8Array, pos: number, end: number): number {
  const last = Math.min(end, pos + 10);
  for (let at = pos; at < last; at++) if ((bytes[at] as number) < 0x80) return at + 1;
  return UNUSUAL;
}

function endOfDelimited(bytes: Uint8Array, pos: number, end: number): number {
  const length = varintLength(bytes, pos, end);
  if (length === UNUSUAL) return UNUSUAL;
  const valueEnd = pos + length + varintValue(bytes, pos, length);
  return valueEnd <= end ? valueEnd : UNUSUAL;
}

/**
 * End of the field whose tag stands at `pos`, for messages whose own fields are numbered 1 to `lastKnown`: UNUSUAL
 * where it is one of those (in an encoding that is not its own), where its number is 0, and as in `endOfValue`.
 */
export function endOfUnknown(bytes: Uint8Array, pos: number, end: number, lastKnown: number): number {
  const tagLength = varintLength(bytes, pos, end);
  if (tagLength === UNUSUAL) return UNUSUAL;
  const tag = varintValue(bytes, pos, tagLength);
  if (tag >>> 3 <= lastKnown) return UNUSUAL;
  return endOfValue(bytes, pos + tagLength, end, tag & 7);
}
