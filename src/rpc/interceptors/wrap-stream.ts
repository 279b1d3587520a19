import type { Interceptor, StreamResponse } from "@connectrpc/connect";

type AnyRequest = Parameters<ReturnType<Interceptor>>[0];
type AnyResponse = Awaited<ReturnType<ReturnType<Interceptor>>>;

export type { AnyRequest, AnyResponse };

type Messages = StreamResponse["message"];

/**
 * The same response with its messages led through `wrap`, if it has many of them. A stream fails while it is read,
 * long after the interceptor returned: whoever wants to see that has to stand in the stream.
 */
export function wrapStream(response: AnyResponse, wrap: (messages: Messages) => Messages): AnyResponse {
  return response.stream ? { ...response, message: wrap(response.message) } : response;
}
