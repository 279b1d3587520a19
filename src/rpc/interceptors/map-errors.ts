import type { Interceptor } from "@connectrpc/connect";
import { type ErrorLog, toConnectError } from "../errors.ts";
import { requestIdOf } from "./request-id.ts";
import { wrapStream } from "./wrap-stream.ts";

/** Every error of a handler, thrown at once or in the middle of a stream, leaves as `toConnectError` tells it. */
export function mapErrors(log: ErrorLog): Interceptor {
  return (next) => async (request) => {
    const requestId = requestIdOf(request.contextValues, request.header);
    const tagged: ErrorLog = { error: (fields, message) => log.error({ requestId, ...fields }, message) };
    try {
      return wrapStream(await next(request), (messages) => mapped(messages, tagged));
    } catch (error) {
      throw toConnectError(error, { log: tagged });
    }
  };
}

async function* mapped<T>(messages: AsyncIterable<T>, log: ErrorLog): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw toConnectError(error, { log });
  }
}
