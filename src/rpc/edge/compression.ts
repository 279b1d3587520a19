import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { createSlots, type Slots } from "../admission/slots.ts";

/**
 * Messages that are unpacked at once, over all calls, and that wait for it. Each may need twice the largest message
 * while it is unpacked, and goes on to its end even where its caller has gone away meanwhile.
 */
const AT_ONCE = 2;
const MOST_WAITING = 256;
/** A smaller one unfolds to a few MiB at most, whatever it holds: gzip reaches a factor of about a thousand. */
const SMALL_BYTES = 4 * 1024;

/** What callers may compress with, and may ask answers to be compressed with. */
export function boundedCompressions(atOnce = AT_ONCE, mostWaiting = MOST_WAITING): Compression[] {
  const slots = createSlots(atOnce, mostWaiting);
  return [compressionGzip, compressionBrotli].map((compression) => bounded(compression, slots));
}

function bounded({ name, compress, decompress }: Compression, slots: Slots): Compression {
  return {
    name,
    compress,
    async decompress(bytes, readMaxBytes) {
      if (bytes.length <= SMALL_BYTES) return decompress(bytes, readMaxBytes);
      const release = await (slots.take(new AbortController().signal) ?? Promise.reject(tooMany()));
      try {
        return await decompress(bytes, readMaxBytes);
      } finally {
        release();
      }
    },
  };
}

function tooMany(): ConnectError {
  return new ConnectError("too many compressed messages wait to be unpacked", Code.ResourceExhausted);
}
