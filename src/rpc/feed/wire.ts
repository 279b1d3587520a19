/**
 * The two messages that a feed sends over and over, put together from parts that are encoded once. `SubscribeResponse`,
 * `EventBatch` and `Bookmark` have the same field numbers in both packages (a test holds them to it), so that only the
 * events inside differ.
 */

/** Field numbers with wire type 2 (length-delimited) or 0 (varint), as one tag byte. */
const TAG = {
  responseBatch: 0x12,
  responseBookmark: 0x1a,
  batchEvent: 0x0a,
  batchCursor: 0x12,
  batchRevision: 0x18,
  bookmarkCursor: 0x0a,
  bookmarkRevision: 0x10,
} as const;

/** Flags (0 = not compressed) and length, as gRPC puts them before every message. */
export const GRPC_HEADER_BYTES = 5;

/**
 * One gRPC frame with `SubscribeResponse{batch}`, and the events again as parts of it.
 *
 * @param events encoded `Event` messages.
 */
export function batchFrame(
  events: readonly Uint8Array[],
  cursor: Buffer,
  revision: number,
): { readonly frame: Buffer; readonly events: readonly Uint8Array[] } {
  let length = bytesField(cursor.length) + 1 + varintLength(revision);
  for (const event of events) length += bytesField(event.length);
  const writer = openFrame(TAG.responseBatch, length);
  const parts = events.map((event) => writer.bytes(TAG.batchEvent, event));
  writer.bytes(TAG.batchCursor, cursor);
  writer.varint(TAG.batchRevision, revision);
  return { frame: writer.frame, events: parts };
}

/** One gRPC frame with `SubscribeResponse{bookmark}`; revision 0 is left out, as proto3 does. */
export function bookmarkFrame(cursor: Buffer, revision: number): Buffer {
  const length = bytesField(cursor.length) + (revision === 0 ? 0 : 1 + varintLength(revision));
  const writer = openFrame(TAG.responseBookmark, length);
  writer.bytes(TAG.bookmarkCursor, cursor);
  if (revision !== 0) writer.varint(TAG.bookmarkRevision, revision);
  return writer.frame;
}

/** The message inside a gRPC frame; shares its memory. */
export function messageOf(frame: Uint8Array): Uint8Array {
  return frame.subarray(GRPC_HEADER_BYTES);
}

/** A gRPC frame around an encoded message. */
export function frameOf(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafeSlow(GRPC_HEADER_BYTES + message.length);
  frame.writeUInt8(0, 0);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, GRPC_HEADER_BYTES);
  return frame;
}

interface Writer {
  readonly frame: Buffer;
  /** Tells where the value now stands. */
  bytes(tag: number, value: Uint8Array): Uint8Array;
  varint(tag: number, value: number): void;
}

/** A frame that holds one message with one sub-message of `length` bytes, which the caller writes. */
function openFrame(tag: number, length: number): Writer {
  const messageLength = bytesField(length);
  // Not from the pool: a frame lives as long as the ring keeps it, and would hold a whole pool slab with it.
  const frame = Buffer.allocUnsafeSlow(GRPC_HEADER_BYTES + messageLength);
  frame.writeUInt8(0, 0);
  frame.writeUInt32BE(messageLength, 1);
  let at = writeVarint(frame, frame.writeUInt8(tag, GRPC_HEADER_BYTES), length);
  return {
    frame,
    bytes(field, value) {
      at = writeVarint(frame, frame.writeUInt8(field, at), value.length);
      frame.set(value, at);
      at += value.length;
      return frame.subarray(at - value.length, at);
    },
    varint(field, value) {
      at = writeVarint(frame, frame.writeUInt8(field, at), value);
    },
  };
}

function bytesField(length: number): number {
  return 1 + varintLength(length) + length;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
  return length;
}

function writeVarint(into: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) into[at++] = (rest % 0x80) | 0x80;
  into[at++] = rest;
  return at;
}
