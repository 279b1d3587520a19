/** The Gateway's side of RebalanceExecutorService: takes orders, each at most once, and tells what became of them. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { type Order, OrderSide } from "#gen/worldservice/v1/order_pb.ts";
import {
  OrderState,
  type OrderStatusSchema,
  type RebalanceExecutorService,
} from "#gen/worldservice/v1/rebalance_executor_service_pb.ts";

type Status = MessageInitShape<typeof OrderStatusSchema>;

/** An order that was taken, and how its venue filled it. */
export interface TakenOrder {
  readonly runId: string;
  readonly order: Order;
  readonly status: Status;
}

export interface OrderDesk {
  readonly service: ServiceImpl<typeof RebalanceExecutorService>;
  /** In the sequence in which they were placed. */
  readonly orders: () => readonly TakenOrder[];
}

/**
 * @param priceOf what the venue pays for a unit now, in base currency. A real Gateway places the order here instead, and
 *   keeps its book on disk: what it once answered for it must never forget.
 */
export function createOrderDesk(priceOf: (order: Order) => number): OrderDesk {
  const book = new Map<string, TakenOrder>();

  function place(runId: string, order: Order): Status {
    const known = book.get(order.clientOrderId);
    if (known !== undefined) return known.status;
    const fill = { quantity: order.quantity, price: priceOf(order), filledAt: timestampFromMs(Date.now()) };
    const status = { clientOrderId: order.clientOrderId, state: OrderState.FILLED, fills: [fill] };
    book.set(order.clientOrderId, { runId, order, status });
    return status;
  }

  return {
    service: {
      submitOrders: ({ runId, orders }) => ({ statuses: orders.map((order) => place(runId, order)) }),
      getOrders: ({ clientOrderIds }) => ({
        statuses: clientOrderIds.map(
          (id): Status => book.get(id)?.status ?? { clientOrderId: id, state: OrderState.NOT_FOUND },
        ),
      }),
      getExecutorCapabilities: () => ({ idempotentSubmit: true, lookup: true }),
    },
    orders: () => [...book.values()],
  };
}

/** `SELL 0.75 BTCUSDT`. */
export function showOrder({ side, quantity, symbol }: Order): string {
  return `${side === OrderSide.SELL ? "SELL" : "BUY"} ${quantity} ${symbol}`;
}
