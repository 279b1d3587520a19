import { endOfValue, LENGTH_DELIMITED, UNUSUAL, varintLength, varintValue } from "./varint.ts";

/** Where the parts of an encoded message stand. Stretches are pairs of start and end, one after the other. */
export interface MessageParts {
  /** Stretches that hold nothing but rows. */
  readonly rows: number[];
  rowCount: number;
  /** Content of the field that is to be read apart; undefined where it does not occur. */
  single: readonly [start: number, end: number] | undefined;
  /** Stretches of all other fields, in their order. */
  readonly rest: number[];
}

/** Numbers of the fields that are read apart. */
export interface BulkFields {
  /** A `repeated` message below field 16, whose tag therefore has one byte. */
  readonly rows?: number;
  /** A message field that may occur once. */
  readonly single?: number;
}

/**
 * Takes the message in bytes[start, end) apart without reading its values.
 *
 * @returns undefined where a part does not end within it, where a field read apart stands in an unusual way (another
 *   wire type, an overlong tag, `single` twice: they would be merged), and for groups.
 */
export function splitMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  fields: BulkFields,
): MessageParts | undefined {
  const parts: MessageParts = { rows: [], rowCount: 0, single: undefined, rest: [] };
  const rowTag = fields.rows === undefined ? UNUSUAL : (fields.rows << 3) | LENGTH_DELIMITED;
  let pos = start;
  while (pos < end) {
    const from = pos;
    if (bytes[pos] === rowTag) {
      pos = endOfValue(bytes, pos + 1, end, LENGTH_DELIMITED);
      parts.rowCount++;
      extend(parts.rows, from, pos);
    } else {
      pos = takeOther(parts, bytes, pos, end, fields);
    }
    if (pos === UNUSUAL) return undefined;
  }
  return parts;
}

function takeOther(
  parts: MessageParts,
  bytes: Uint8Array,
  pos: number,
  end: number,
  fields: BulkFields,
): number {
  const tagLength = varintLength(bytes, pos, end);
  if (tagLength === UNUSUAL) return UNUSUAL;
  const tag = varintValue(bytes, pos, tagLength);
  const field = tag >>> 3;
  if (field === 0 || field === fields.rows) return UNUSUAL;
  const valueEnd = endOfValue(bytes, pos + tagLength, end, tag & 7);
  if (valueEnd === UNUSUAL) return UNUSUAL;
  if (field !== fields.single) {
    extend(parts.rest, pos, valueEnd);
    return valueEnd;
  }
  if ((tag & 7) !== LENGTH_DELIMITED || parts.single !== undefined) return UNUSUAL;
  const contentStart = pos + tagLength + varintLength(bytes, pos + tagLength, end);
  parts.single = [contentStart, valueEnd];
  return valueEnd;
}

/** Adds a stretch, joined to the last one where it follows it. */
function extend(stretches: number[], start: number, end: number): void {
  if (stretches.length > 0 && stretches[stretches.length - 1] === start)
    stretches[stretches.length - 1] = end;
  else stretches.push(start, end);
}

/** The bytes of all stretches, one behind the other. */
export function joinStretches(bytes: Uint8Array, stretches: readonly number[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < stretches.length; at += 2) {
    pieces.push(bytes.subarray(stretches[at], stretches[at + 1]));
  }
  return Buffer.concat(pieces);
}
