import { Code, ConnectError } from "@connectrpc/connect";
import { completeConnectError, type ErrorLog } from "../errors.ts";

/**
 * The same body, ended with DEADLINE_EXCEEDED when it has not arrived whole in time: a sender who trickles bytes
 * must not hold a call, its buffers and its connection for as long as he likes.
 *
 * @param timeoutMs counted from the first read, in milliseconds.
 * @param ended aborted when the request is over: a body that nobody reads to its end holds no timer beyond that.
 */
export async function* withDeadline(
  body: AsyncIterable<Uint8Array>,
  timeoutMs: number,
  ended: AbortSignal,
  log: ErrorLog,
): AsyncGenerator<Uint8Array> {
  const source = body[Symbol.asyncIterator]();
  const { late, clear } = lateness(timeoutMs, log);
  ended.addEventListener("abort", clear, { once: true });
  try {
    for (;;) {
      const result = await Promise.race([source.next(), late]);
      if (result.done === true) return;
      yield result.value;
    }
  } finally {
    clear();
    ended.removeEventListener("abort", clear);
    // Not awaited: a body that hangs would not return before its next chunk.
    source.return?.().catch(() => undefined);
  }
}

function lateness(timeoutMs: number, log: ErrorLog): { late: Promise<never>; clear: () => void } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined); // nobody waits for it while a chunk is being worked on
  const timer = setTimeout(() => {
    const error = new ConnectError(
      `the request did not arrive within ${timeoutMs} ms`,
      Code.DeadlineExceeded,
    );
    reject(completeConnectError(error, { log }));
  }, timeoutMs);
  return { late: promise, clear: () => clearTimeout(timer) };
}
