import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  ExecutionStatus,
  type FillSchema,
  type OrderSchema,
  OrderSide,
  TimeInForce,
  type ViolationSchema,
} from "#gen/worldservice/v2/order_pb.ts";
import type {
  ExecuteRebalanceRequest,
  ExecuteRebalanceResponseSchema,
} from "#gen/worldservice/v2/rebalance_service_pb.ts";
import type { FillFacts, OrderFacts } from "../../domain/events/types.ts";
import type { OrderViolation } from "../../domain/orders/types.ts";
import type { Gates } from "../../domain/rebalance/negotiation.ts";
import type { ExecuteCall, ExecuteOutcome } from "../../orchestration/execute/execute-rebalance.ts";
import { optionalVenue, toMap } from "../convert.ts";
import { executionFacts } from "../execution-facts.ts";
import { fromRebalanceRequest } from "./convert.ts";

export function fromExecuteRequest(request: ExecuteRebalanceRequest): ExecuteCall {
  const { runId, submit, perStrategy, sharedAccount, allowLive } = request;
  const rebalance = fromRebalanceRequest(request.rebalance, "rebalance");
  return { runId, submit, perStrategy, sharedAccount, allowLive, rebalance };
}

/** An order in v2 shape. */
export function toOrder(order: OrderFacts): MessageInitShape<typeof OrderSchema> {
  const { clientOrderId, worldId, strategyId, symbol, quantity, reduceOnly, hedgeMode } = order;
  return {
    clientOrderId,
    worldId,
    strategyId,
    symbol,
    side: OrderSide[order.side],
    quantity,
    timeInForce: TimeInForce[order.timeInForce],
    reduceOnly,
    ...optionalVenue(order.venue),
    ...(hedgeMode === undefined ? {} : { hedgeMode }),
  };
}

/** A fill; without a time where the executor told none. */
export function toFill({ quantity, price, filledAtMs }: FillFacts): MessageInitShape<typeof FillSchema> {
  return { quantity, price, ...(filledAtMs > 0 ? { filledAt: timestampFromMs(filledAtMs) } : {}) };
}

function toViolation(violation: OrderViolation): MessageInitShape<typeof ViolationSchema> {
  const { worldId, symbol, venue, reason, details } = violation;
  return { worldId, symbol, reason, details: toMap(details), ...optionalVenue(venue) };
}

export function toExecuteResponse(
  { negotiated, orders, execution }: ExecuteOutcome,
  gates: Gates,
): MessageInitShape<typeof ExecuteRebalanceResponseSchema> {
  const { status, submitted, ...capabilities } = executionFacts(execution, gates);
  return {
    ordersPerWorld: Object.fromEntries(
      [...orders.perWorld].map(([worldId, list]) => [worldId, { orders: list.map(toOrder) }]),
    ),
    ordersGlobal: orders.global.map(toOrder),
    ordersPerStrategy: orders.perStrategy.map(toOrder),
    submitted,
    executionStatus: ExecutionStatus[status],
    schemaVersion: negotiated.schemaVersion,
    ...capabilities,
    violations: orders.violations.map(toViolation),
    overlayDeltas: orders.overlayDeltas.map((delta) => ({ ...delta })),
  };
}
