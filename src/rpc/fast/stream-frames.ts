import { type ConnectRouter, createContextValues } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import { parseContentType } from "@connectrpc/connect/protocol-grpc";
import { type FrameCarrier, frameCarrierKey } from "../feed/deliver.ts";
import type { Subscription } from "../feed/subscription.ts";

type ByteStream = AsyncIterable<Uint8Array>;

/**
 * Lets gRPC callers of these methods have the frames of a subscription as they are: the same bytes for all of them,
 * everything that waits in one piece. To be called when the methods are registered.
 *
 * Connect's own handler still runs the call from the request to the trailers (gate, deadline, interceptors, headers,
 * the first message, errors); only what comes between the first message and the end goes around its serialization.
 * Connect, gRPC-Web and gRPC with JSON are not touched.
 *
 * @param paths request paths, as `/package.Service/Method`.
 */
export function shareFrames(router: ConnectRouter, paths: readonly string[]): void {
  const { handlers } = router;
  for (const [at, handler] of handlers.entries()) {
    if (paths.includes(handler.requestPath)) handlers[at] = withSharedFrames(handler);
  }
}

function withSharedFrames(ordinary: UniversalHandler): UniversalHandler {
  const handle = async (request: UniversalServerRequest) => {
    if (parseContentType(request.header.get("content-type"))?.binary !== true) return ordinary(request);
    const contextValues = request.contextValues ?? createContextValues();
    const handover = createHandover();
    contextValues.set(frameCarrierKey, handover);
    const response = await ordinary({ ...request, contextValues });
    return response.body === undefined
      ? response
      : { ...response, body: joinedBody(response.body, handover) };
  };
  return Object.assign(handle, ordinary);
}

/** Where the handler leaves its subscription, and learns how that ended. */
interface Handover extends FrameCarrier {
  /** Resolves when the handler has handed its subscription over. */
  readonly taken: Promise<Subscription>;
  settle(error?: unknown): void;
}

function createHandover(): Handover {
  const taken = Promise.withResolvers<Subscription>();
  const over = Promise.withResolvers<void>();
  return {
    taken: taken.promise,
    carry(subscription) {
      taken.resolve(subscription);
      return over.promise;
    },
    settle: (error) => (error === undefined ? over.resolve() : over.reject(error)),
  };
}

type Result = IteratorResult<Uint8Array>;
const DONE: Result = { done: true, value: undefined };

/** The ordinary body, with the frames of the subscription between its first piece and its end. */
function joinedBody(ordinary: ByteStream, handover: Handover): ByteStream {
  return { [Symbol.asyncIterator]: () => joinedIterator(ordinary[Symbol.asyncIterator](), handover) };
}

function joinedIterator(around: AsyncIterator<Uint8Array>, handover: Handover): AsyncIterator<Uint8Array> {
  let isFirst = true;
  let subscription: Subscription | undefined;
  /** The ordinary body's end: it comes when the handler learns that the subscription is over. */
  let end: Promise<Result> | undefined;

  /** Lets the handler go on behind its first message: it hands its subscription over, or ends. */
  async function begin(): Promise<Result> {
    end = around.next();
    end.catch(() => undefined); // told to whoever asks for the end
    const first = await Promise.race([end, handover.taken]);
    if (!("release" in first)) return first;
    subscription = first;
    return carryOn(first);
  }

  async function carryOn(from: Subscription): Promise<Result> {
    try {
      const chunk = await from.next();
      if (chunk !== undefined) return { done: false, value: chunk.joined() };
      handover.settle();
    } catch (error) {
      handover.settle(error);
    }
    return end ?? DONE;
  }

  /** The handler waits for the subscription, and the ordinary body for the handler: in this order they let go. */
  function letGo(): void {
    subscription?.release();
    handover.settle();
  }

  return {
    next() {
      if (subscription !== undefined) return carryOn(subscription);
      if (!isFirst) return end === undefined ? begin() : around.next();
      isFirst = false;
      return around.next();
    },
    throw(error) {
      letGo();
      return around.throw?.(error) ?? Promise.reject(error);
    },
    return() {
      letGo();
      return around.return?.() ?? Promise.resolve(DONE);
    },
  };
}
