import type { DescMessage } from "@bufbuild/protobuf";
import { DomainError } from "../../domain/errors.ts";
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
 * @throws DomainError MESSAGE_TOO_LARGE.
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

/** What is not well-formed ends the count: the decoder reads no further either. */
function countIn(counting: Counting, shape: Shape, start: number, end: number, depth: number): void {
  const { bytes } = counting;
  let pos = start;
  while (pos < end && counting.left >= 0) {
    const tagLength = varintLength(bytes, pos, end);
    if (tagLength === UNUSUAL) return;
    const tag = varintValue(bytes, pos, tagLength);
    const valueStart = pos + tagLength;
    pos = endOfValue(bytes, valueStart, end, tag & 7);
    if (pos === UNUSUAL) return;
    const field = (tag & 7) === LENGTH_DELIMITED ? shape.get(tag >>> 3) : undefined;
    if (field?.inner !== undefined) countOne(counting, field.inner, valueStart, pos, depth + 1);
  }
}

function countOne(counting: Counting, inner: Shape, start: number, end: number, depth: number): void {
  counting.left--;
  if (depth > MAX_DEPTH || !holdsMessages(inner)) return;
  countIn(counting, inner, start + varintLength(counting.bytes, start, end), end, depth);
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
