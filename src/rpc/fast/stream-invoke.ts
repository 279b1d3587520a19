import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type Message,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type HandlerContext,
  type Interceptor,
  type MethodImpl,
  type StreamRequest,
  type StreamResponse,
} from "@connectrpc/connect";

type AnyFn = Parameters<Interceptor>[0];

/**
 * Runs the implementation of a server-streaming method inside of the interceptors, as Connect does, and settles the
 * headers they leave before the first message.
 */
export async function invokeStream(
  method: DescMethodServerStreaming,
  impl: MethodImpl<DescMethodServerStreaming>,
  interceptors: readonly Interceptor[],
  context: HandlerContext,
  message: Message,
): Promise<AsyncIterable<Message>> {
  const own: AnyFn = async (request) => {
    const given = request as StreamRequest;
    const answers = impl(await only(given.message), contextFor(context, given));
    return responseOf(method, context, messages(method, answers));
  };
  let next = own;
  for (let at = interceptors.length - 1; at >= 0; at--) next = (interceptors[at] as Interceptor)(next);
  const response = (await next(requestOf(method, context, message))) as StreamResponse;
  takeHeaders(response.header, context.responseHeader);
  return response.message;
}

/** Interceptors may look at every message of a request, also of one that has a single one. */
async function only(messages: AsyncIterable<Message>): Promise<Message> {
  for await (const message of messages) return message;
  throw new ConnectError(
    "protocol error: missing input message for server-streaming method",
    Code.Unimplemented,
  );
}

async function* single(message: Message): AsyncGenerator<Message> {
  yield message;
}

function takeHeaders(from: Headers, to: Headers): void {
  if (from === to) return;
  for (const name of Array.from(to.keys())) to.delete(name);
  from.forEach((value, name) => {
    to.set(name, value);
  });
}

/** Plain fields: every object with accessors of its own has a shape of its own. */
function requestOf(
  method: DescMethodServerStreaming,
  context: HandlerContext,
  message: Message,
): StreamRequest {
  return {
    stream: true,
    message: single(message),
    method,
    requestMethod: context.requestMethod,
    service: method.parent,
    signal: context.signal,
    contextValues: context.values,
    url: context.url,
    header: context.requestHeader,
  };
}

/** An interceptor may pass on another request of its own making. */
function contextFor(context: HandlerContext, request: StreamRequest): HandlerContext {
  const { service, header, signal, contextValues } = request;
  const isSame =
    header === context.requestHeader && signal === context.signal && contextValues === context.values;
  if (isSame) return context;
  const timeoutMs = () => context.timeoutMs();
  return { ...context, timeoutMs, service, requestHeader: header, signal, values: contextValues };
}

function responseOf(
  method: DescMethodServerStreaming,
  { responseHeader, responseTrailer }: HandlerContext,
  message: AsyncIterable<Message>,
): StreamResponse {
  const { parent } = method;
  return { stream: true, message, method, service: parent, header: responseHeader, trailer: responseTrailer };
}

/** Makes messages of what the implementation yields. Not a generator: one more of them is half a kilobyte a stream. */
function messages(
  { output }: DescMethodServerStreaming,
  answers: AsyncIterable<MessageInitShape<DescMessage>>,
): AsyncIterable<Message> {
  const toMessage = (result: IteratorResult<MessageInitShape<DescMessage>>): IteratorResult<Message> =>
    result.done === true ? result : { done: false, value: create(output, result.value) };
  return {
    [Symbol.asyncIterator]() {
      const source = answers[Symbol.asyncIterator]();
      return {
        next: () => source.next().then(toMessage),
        return: () => source.return?.().then(toMessage) ?? Promise.resolve({ done: true, value: undefined }),
      };
    },
  };
}
