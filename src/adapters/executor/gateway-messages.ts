import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { type OrderSchema, OrderSide, TimeInForce } from "#gen/worldservice/v1/order_pb.ts";
import {
  type GetExecutorCapabilitiesResponse,
  type OrderStatus as OrderStatusMessage,
  OrderState as WireState,
} from "#gen/worldservice/v1/rebalance_executor_service_pb.ts";
import type { OrderFacts } from "../../domain/events/types.ts";
import type { ExecutorCapabilities, OrderState, OrderStatus } from "../../ports/executor.ts";

export function toOrder(order: OrderFacts): MessageInitShape<typeof OrderSchema> {
  const { clientOrderId, worldId, strategyId, symbol, venue, side, quantity, reduceOnly, hedgeMode } = order;
  return {
    clientOrderId,
    worldId,
    strategyId,
    symbol,
    side: OrderSide[side],
    quantity,
    timeInForce: TimeInForce[order.timeInForce],
    reduceOnly,
    ...(venue === undefined ? {} : { venue }),
    ...(hedgeMode === undefined ? {} : { hedgeMode }),
  };
}

const STATE_NAMES: ReadonlyMap<number, OrderState> = new Map([
  [WireState.ACCEPTED, "ACCEPTED"],
  [WireState.PARTIALLY_FILLED, "PARTIALLY_FILLED"],
  [WireState.FILLED, "FILLED"],
  [WireState.REJECTED, "REJECTED"],
  [WireState.CANCELLED, "CANCELLED"],
  [WireState.NOT_FOUND, "NOT_FOUND"],
]);

/** What was said, word for word: whether it can be true is judged where the order is known. */
export function fromStatus({ clientOrderId, state, fills, message }: OrderStatusMessage): OrderStatus {
  return {
    clientOrderId,
    state: STATE_NAMES.get(state),
    fills: fills.map(({ quantity, price, filledAt }) => ({
      quantity,
      price,
      filledAtMs: filledAt === undefined ? 0 : timestampMs(filledAt),
    })),
    message,
  };
}

const LONGEST_DELAY_MS = 86_400_000;

/** @throws RangeError for a delay that no executor has. */
export function fromCapabilities(answer: GetExecutorCapabilitiesResponse): ExecutorCapabilities {
  const visibilityDelayMs = answer.visibilityDelay === undefined ? 0 : durationMs(answer.visibilityDelay);
  if (!(visibilityDelayMs >= 0 && visibilityDelayMs <= LONGEST_DELAY_MS)) {
    throw new RangeError(`a visibility delay of ${visibilityDelayMs} ms`);
  }
  return { idempotentSubmit: answer.idempotentSubmit, lookup: answer.lookup, visibilityDelayMs };
}
