/** Bytes of HTTP/2, as a peer may send them that keeps no rule. */
import type { Random } from "../support/random.ts";

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export const TYPES = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  ping: 6,
  windowUpdate: 8,
  continuation: 9,
};
export const END_STREAM = 1;
export const END_HEADERS = 4;

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Name and value as literals, neither indexed nor compressed; both shorter than 127 bytes. */
function literal(name: string, value: string): Buffer {
  const text = (bytes: Buffer) => Buffer.concat([Buffer.from([bytes.length]), bytes]);
  return Buffer.concat([Buffer.from([0]), text(Buffer.from(name)), text(Buffer.from(value))]);
}

/** The header block of a gRPC call. */
export function callHeaders(path: string, authority = "localhost"): Buffer {
  return Buffer.concat([
    Buffer.from([0x83, 0x86]), // POST, http
    literal(":path", path),
    literal(":authority", authority),
    literal("content-type", "application/grpc"),
    literal("te", "trailers"),
  ]);
}

export function junk(random: Random, most: number): Buffer {
  return Buffer.from(Array.from({ length: random.between(0, most) }, () => random.between(0, 255)));
}

/** A frame of any kind, of any stream, with anything in it. */
export function anyFrame(random: Random): Buffer {
  const stream = random.pick([0, 1, 3, 5, 2, random.between(0, 0x7fffffff)]);
  return frame(random.between(0, 12), random.between(0, 255), stream, junk(random, 60));
}

/** SETTINGS with a window of that size for every stream. */
export function windowSettings(bytes: number): Buffer {
  const payload = Buffer.alloc(6);
  payload.writeUInt16BE(4, 0);
  payload.writeUInt32BE(bytes, 2);
  return frame(TYPES.settings, 0, 0, payload);
}

/** A gRPC message with its five bytes in front. */
export function envelope(payload: Uint8Array, flags = 0, length = payload.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags & 0xff, 0);
  head.writeUInt32BE(length >>> 0, 1);
  return Buffer.concat([head, payload]);
}
