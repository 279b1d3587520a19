import { Code, ConnectError } from "@connectrpc/connect";
import { completeConnectError, type ErrorLog } from "../errors.ts";

/**
 * The same body, ended with DEADLINE_EXCEEDED when it has not arrived whole in time: a sender who trickles bytes
 * must not hold a call, its buffers and its connection for as long as he likes.
 *
 * @param timeoutMs counted from the first read, in milliseconds.
 */
export async function* withDeadline(
  body: AsyncIterable<Uint8Array>,
  timeoutMs: number,
  log: ErrorLog,
): AsyncGenerator<Uint8Array> {
  const source = body[Symbol.asyncIterator]();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new ConnectError(
      `the request did not arrive within ${timeoutMs} ms`,
      Code.DeadlineExceeded,
    );
    timer = setTimeout(() => reject(completeConnectError(error, { log })), timeoutMs);
  });
  late.catch(() => undefined); // nobody waits for it while a chunk is being worked on
  try {
    for (;;) {
      const result = await Promise.race([source.next(), late]);
      if (result.done === true) return;
      yield result.value;
    }
  } finally {
    clearTimeout(timer);
    // Not awaited: a body that hangs would not return before its next chunk.
    source.return?.().catch(() => undefined);
  }
}
