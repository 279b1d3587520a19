import type { DescMessage } from "@bufbuild/protobuf";
import { DomainError, invalidFields } from "../../domain/errors.ts";
import { endOfValue, LENGTH_DELIMITED, UNUSUAL, varintLength, varintValue } from "./varint.ts";
import { type FieldShape, type Shape, shapeOf } from "./well-formed.ts";

/**
 * How many messages may stand inside of one. Two bytes are enough for an empty one, which becomes an object of a hundred
 * and more: 64 KiB of gzip would unfold to gigabytes. Rows that hold something take more than 64 bytes each.
 */
const MOST_MESSAGES = 1_000_000;
const BYTES_PER_FURTHER_MESSAGE = 64;
/** Fewer bytes than this cannot hold too many. */
const COUNTED_FROM_BYTES = 2 * MOST_MESSAGES;

/**
 * Refuses what would unfold to far more than its size says, before it is decoded.
 *
 * @throws DomainError MESSAGE_TOO_LARGE; INVALID_FIELD for what cannot be counted.
 */
export function assertFewMessages(schema: DescMessage, bytes: Uint8Array): void {
  if (bytes.length < COUNTED_FROM_BYTES) return;
  const most = MOST_MESSAGES + Math.floor(bytes.length / BYTES_PER_FURTHER_MESSAGE);
  const counting = { bytes, left: most };
  countIn(counting, shapeOf(schema), 0, bytes.length, 0);
  if (counting.left >= 0) return;
  throw new DomainError(
    "MESSAGE_TOO_LARGE",
    `the message of ${bytes.length} bytes holds more than ${most} messages`,
  );
}

interface Counting {
  readonly bytes: Uint8Array;
  /** How many more there may be; below 0 once there are too many. */
  left: number;
}

/** Deeper messages are protobuf-es's to refuse. */
const MAX_DEPTH = 64;
/** What holds no messages is looked into only where it is longer than any row can be by its own fields. */
const LONGEST_ROW_BYTES = 4_096;

/**
 * Counts what becomes an object, or costs as much to step over: messages, whatever their wire type says (the decoder
 * goes by the field's own), and fields that nobody knows.
 */
function countIn(counting: Counting, shape: Shape, start: number, end: number, depth: number): void {
  const { bytes } = counting;
  let pos = start;
  while (pos < end && counting.left >= 0) {
    const valueStart = pos + readable(varintLength(bytes, pos, end));
    const tag = varintValue(bytes, pos, valueStart - pos);
    pos = readable(endOfValue(bytes, valueStart, end, tag & 7));
    const field = shape.get(tag >>> 3);
    if (field !== undefined && field.inner === undefined) continue;
    counting.left--;
    const isInside = field !== undefined && (tag & 7) === LENGTH_DELIMITED && depth < MAX_DEPTH;
    if (isInside) countInside(counting, field.inner as Shape, valueStart, pos, depth + 1);
  }
}

function countInside(counting: Counting, inner: Shape, start: number, end: number, depth: number): void {
  if (end - start <= LONGEST_ROW_BYTES && !holdsMessages(inner)) return;
  countIn(counting, inner, start + varintLength(counting.bytes, start, end), end, depth);
}

function readable(position: number): number {
  if (position === UNUSUAL) throw unreadable();
  return position;
}

/** A decoder that reads on where this one stops would make of the rest whatever it likes. */
function unreadable(): DomainError {
  const description = "is no message: a value in it does not end, or is a group";
  return invalidFields([{ field: "", description }]);
}

const holding = new WeakMap<Shape, boolean>();

/** Rows hold none, and are most of what is ever counted. */
function holdsMessages(shape: Shape): boolean {
  const known = holding.get(shape);
  if (known !== undefined) return known;
  const holds = [...shape.values()].some(({ inner }: FieldShape) => inner !== undefined);
  holding.set(shape, holds);
  return holds;
}
