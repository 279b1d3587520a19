import type { ServerHttp2Stream } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import type { EnvelopedMessage } from "@connectrpc/connect/protocol";

/** Flags (one byte) and length (four bytes, big-endian) before a message. */
export const ENVELOPE_HEAD_BYTES = 5;

/** The one message of a unary request, and what is wrong with whatever followed it. */
export interface UnaryEnvelope {
  readonly envelope: EnvelopedMessage;
  /** Counts only once the message itself has been found to be sound. */
  readonly afterwards: ConnectError | undefined;
}

interface Arrival {
  readonly chunks: Buffer[];
  total: number;
  /** Where the first envelope ends; undefined until its head is there. */
  wanted: number | undefined;
  /** Where a second one ends that should not be there. */
  secondEnd: number | undefined;
}

/**
 * Reads the envelope of a unary request. Chunks are joined once, when all have arrived: what a sender claims to send
 * costs nothing, and no more is kept than `readMaxBytes` and a chunk.
 *
 * @param timeoutMs how long it may take, in milliseconds.
 * @param late makes the error for that.
 */
export function readEnvelope(
  stream: ServerHttp2Stream,
  readMaxBytes: number,
  timeoutMs: number,
  late: () => ConnectError,
): Promise<UnaryEnvelope> {
  return new Promise((resolve, reject) => {
    const arrival: Arrival = { chunks: [], total: 0, wanted: undefined, secondEnd: undefined };
    const timer = setTimeout(() => settle(late()), timeoutMs);
    function settle(result: UnaryEnvelope | ConnectError): void {
      clearTimeout(timer);
      stream.off("data", onData).off("end", onEnd).off("close", onClose);
      if (result instanceof ConnectError) reject(result);
      else resolve(result);
    }
    function onData(chunk: Buffer): void {
      const result = arrive(arrival, chunk, readMaxBytes);
      if (result !== undefined) settle(result);
    }
    const onEnd = () => settle(complete(arrival));
    const onClose = () => settle(new ConnectError("the request was cut off", Code.Aborted));
    // A body of nothing may have ended while nobody listened: `end` does not come again.
    if (stream.readableEnded) onEnd();
    else stream.on("data", onData).on("end", onEnd).on("close", onClose);
  });
}

/** Takes a chunk; a result ends the reading before the request has ended. */
function arrive(
  arrival: Arrival,
  chunk: Buffer,
  readMaxBytes: number,
): UnaryEnvelope | ConnectError | undefined {
  arrival.chunks.push(chunk);
  arrival.total += chunk.length;
  if (arrival.total < ENVELOPE_HEAD_BYTES) return undefined;
  if (arrival.wanted === undefined) {
    const length = lengthAt(arrival, 0);
    if (length > readMaxBytes) return tooLarge(length, readMaxBytes);
    arrival.wanted = ENVELOPE_HEAD_BYTES + length;
  }
  if (arrival.total < arrival.wanted + ENVELOPE_HEAD_BYTES) return undefined;
  return secondEnvelope(arrival, arrival.wanted, readMaxBytes);
}

/** A unary request has one message: a second one ends it, as soon as it is there. */
function secondEnvelope(
  arrival: Arrival,
  first: number,
  readMaxBytes: number,
): UnaryEnvelope | ConnectError | undefined {
  if (arrival.secondEnd === undefined) {
    const length = lengthAt(arrival, first);
    if (length > readMaxBytes) return tooLarge(length, readMaxBytes);
    arrival.secondEnd = first + ENVELOPE_HEAD_BYTES + length;
  }
  if (arrival.total < arrival.secondEnd) return undefined;
  const text = "protocol error: received extra input message for unary method";
  return { envelope: firstEnvelope(arrival, first), afterwards: new ConnectError(text, Code.Unimplemented) };
}

function complete(arrival: Arrival): UnaryEnvelope | ConnectError {
  const { total, wanted } = arrival;
  if (total === 0) {
    return new ConnectError("protocol error: missing input message for unary method", Code.Unimplemented);
  }
  const incomplete = () => new ConnectError("protocol error: incomplete envelope", Code.InvalidArgument);
  if (wanted === undefined || total < wanted) return incomplete();
  const envelope = firstEnvelope(arrival, wanted);
  return { envelope, afterwards: total === wanted ? undefined : incomplete() };
}

function firstEnvelope(arrival: Arrival, length: number): EnvelopedMessage {
  const bytes = joined(arrival);
  return { flags: bytes[0] as number, data: bytes.subarray(ENVELOPE_HEAD_BYTES, length) };
}

function lengthAt(arrival: Arrival, offset: number): number {
  return joined(arrival).readUInt32BE(offset + 1);
}

/** All bytes so far in one piece; they stay so. */
function joined(arrival: Arrival): Buffer {
  const { chunks } = arrival;
  const [first] = chunks;
  if (chunks.length === 1 && first !== undefined) return first;
  const bytes = Buffer.concat(chunks, arrival.total);
  chunks.length = 0;
  chunks.push(bytes);
  return bytes;
}

function tooLarge(length: number, readMaxBytes: number): ConnectError {
  return new ConnectError(
    `message size ${length} is larger than configured readMaxBytes ${readMaxBytes}`,
    Code.ResourceExhausted,
  );
}
