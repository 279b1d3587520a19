import { type ContextKey, createContextKey, type HandlerContext } from "@connectrpc/connect";
import type { Subscription } from "./subscription.ts";
import { messageOf } from "./wire.ts";

/**
 * Takes a subscription over from a handler and writes its frames as they are, past the serialization. Resolves when
 * the subscription is over, rejects with its error.
 */
export interface FrameCarrier {
  carry(subscription: Subscription): Promise<void>;
}

/** Set for calls whose response body can take gRPC frames as they are. */
export const frameCarrierKey: ContextKey<FrameCarrier | undefined> = createContextKey<
  FrameCarrier | undefined
>(undefined, { description: "writes the frames of a subscription as they are" });

/**
 * The messages of a subscription behind its topic message. Where the call has a carrier, that one writes the frames
 * and this yields nothing more; everything else (errors, end, headers, interceptors) is the same for both.
 *
 * @param decode reads one `SubscribeResponse` from the message inside a frame; frames are shared by subscribers.
 * @throws the reason of the signal once that aborts; DomainError as `Subscription.next`.
 */
export async function* deliver<M>(
  subscription: Subscription,
  { values, signal }: Pick<HandlerContext, "values" | "signal">,
  decode: (frame: Uint8Array, message: Uint8Array) => M,
): AsyncGenerator<M> {
  try {
    const carrier = values.get(frameCarrierKey);
    if (carrier === undefined) yield* messages(subscription, decode);
    else await carrier.carry(subscription);
    signal.throwIfAborted(); // tells the caller why the feed ended
  } finally {
    // Not the only way out: a peer that goes away while a write is blocked is told by the signal alone.
    subscription.release();
  }
}

async function* messages<M>(
  subscription: Subscription,
  decode: (frame: Uint8Array, message: Uint8Array) => M,
): AsyncGenerator<M> {
  for (let chunk = await subscription.next(); chunk !== undefined; chunk = await subscription.next()) {
    for (const frame of chunk.frames) yield decode(frame, messageOf(frame));
  }
}
