import { type ContextKey, type ContextValues, createContextKey } from "@connectrpc/connect";
import type { Subscription } from "./subscription.ts";

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

/** The frames of a subscription, one by one, for protocols that serialize message by message. */
export async function* framesOf(subscription: Subscription): AsyncGenerator<Uint8Array> {
  for (let chunk = await subscription.next(); chunk !== undefined; chunk = await subscription.next()) {
    yield* chunk.frames;
  }
}

/**
 * Lets the call's carrier write a subscription to its end.
 *
 * @returns false where there is no carrier: the frames have to go out as messages.
 * @throws DomainError as `Subscription.next`.
 */
export function isCarried(subscription: Subscription, values: ContextValues): Promise<boolean> {
  const carried = values.get(frameCarrierKey)?.carry(subscription);
  return carried === undefined ? Promise.resolve(false) : carried.then(() => true);
}
