import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type Message,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import type {
  HandlerContext,
  Interceptor,
  MethodImpl,
  UnaryRequest,
  UnaryResponse,
} from "@connectrpc/connect";

type AnyFn = Parameters<Interceptor>[0];

/** The implementation of a unary method, as it was given to the router. */
export type UnaryImpl = MethodImpl<DescMethodUnary>;

/** What is to be sent: what the implementation returned, or the message an interceptor saw or made of it. */
export type Answer = MessageInitShape<DescMessage>;

/**
 * Runs the implementation inside of the interceptors, as Connect does, and settles the headers and trailers they
 * leave. A message is made of the answer only for an interceptor that looks at it.
 */
export async function invokeUnary(
  method: DescMethodUnary,
  impl: UnaryImpl,
  interceptors: readonly Interceptor[],
  context: HandlerContext,
  message: Message,
): Promise<Answer> {
  const request = requestOf(method, context, message);
  let plain: PlainResponse | undefined;
  const own: AnyFn = async (given) => {
    // An interceptor may pass on another request of its own making.
    const seen = given === request ? context : contextFor(context, given as UnaryRequest);
    const answer = await impl((given as UnaryRequest).message, seen);
    plain = responseOf(method, context, answer);
    return plain.response;
  };
  let next = own;
  for (let at = interceptors.length - 1; at >= 0; at--) next = (interceptors[at] as Interceptor)(next);
  const response = (await next(request)) as UnaryResponse;
  if (response === plain?.response) return plain.answer();
  takeHeaders(response.header, context.responseHeader);
  takeHeaders(response.trailer, context.responseTrailer);
  return response.message;
}

function takeHeaders(from: Headers, to: Headers): void {
  if (from === to) return;
  const names = Array.from(to.keys());
  for (const name of names) to.delete(name);
  from.forEach((value, name) => {
    to.set(name, value);
  });
}

function requestOf(method: DescMethodUnary, context: HandlerContext, message: Message): UnaryRequest {
  return {
    stream: false,
    message,
    method,
    requestMethod: context.requestMethod,
    service: method.parent,
    signal: context.signal,
    contextValues: context.values,
    get url() {
      return context.url;
    },
    get header() {
      return context.requestHeader;
    },
  };
}

function contextFor(context: HandlerContext, request: UnaryRequest): HandlerContext {
  return {
    ...context,
    service: request.service,
    requestHeader: request.header,
    signal: request.signal,
    values: request.contextValues,
  };
}

/** The response that interceptors get. */
interface PlainResponse {
  readonly response: UnaryResponse;
  /** The message, if anyone has looked at it, else what it would have been made of. */
  answer(): Answer;
}

function responseOf(method: DescMethodUnary, context: HandlerContext, answer: Answer): PlainResponse {
  let message: Message | undefined;
  const response: UnaryResponse = {
    stream: false,
    method,
    service: method.parent,
    get message() {
      message ??= create(method.output, answer);
      return message;
    },
    get header() {
      return context.responseHeader;
    },
    get trailer() {
      return context.responseTrailer;
    },
  };
  return { response, answer: () => message ?? answer };
}
