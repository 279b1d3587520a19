/** The demo's part on execution: capital moves, its trades become orders, and the paper executor fills each of them once. */
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { ExecutionService, LegState, type PaperOrder } from "#gen/worldservice/v1/execution_service_pb.ts";
import { ExecutionStatus, OrderSide } from "#gen/worldservice/v1/order_pb.ts";
import type { UpsertAllocationsResponse } from "#gen/worldservice/v2/allocation_service_pb.ts";
import { ExecutionStatus as ExecutionStatusV2 } from "#gen/worldservice/v2/order_pb.ts";
import { fact } from "./facts.ts";
import { change, heading, money, printTable } from "./output.ts";
import type { Stage } from "./stage.ts";

const RUN = "allocations-executed";
const CALL_MS = 10_000;

/** Upserts with `execute`, shows what became of the orders, and sends the same call again. */
export async function executeMove(stage: Stage): Promise<void> {
  heading("UpsertAllocations with execute: orders on the paper executor");
  const first = await upsert(stage);
  fact("the shares are set and every order is filled", first.executed, first);
  const wanted = Object.values(first.plan?.perWorld ?? {}).flatMap(({ deltas }) => deltas);
  const orders = await paperOrders(stage.address());
  fact("every trade of the plan is one order", orders.length === wanted.length && orders.length > 0);
  showOrders(orders);
  const again = await upsert(stage);
  fact("the same call again is replayed", again.replayed && again.executionStatus === ExecutionStatusV2.DONE);
  const names = (list: readonly PaperOrder[]) => list.map(({ order }) => order?.clientOrderId).join();
  fact("and places no order twice", names(await paperOrders(stage.address())) === names(orders));
}

function upsert(stage: Stage): Promise<UpsertAllocationsResponse> {
  const { positions, worldAllocAfter, totalEquity, lotSizeBySymbol } = stage.portfolios.sectors.v2;
  const common = { totalEquity, positions, lotSizeBySymbol, schemaVersion: 2 };
  const call = { ...common, runId: RUN, worldAllocations: worldAllocAfter, execute: true };
  return stage.clients().allocationsV2.upsertAllocations(call);
}

/** What the executor has in its journal for the run, and that the run's own record says the same. */
async function paperOrders(address: string): Promise<readonly PaperOrder[]> {
  const baseUrl = `http://${address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const transport = createGrpcTransport({ baseUrl, sessionManager, defaultTimeoutMs: CALL_MS });
  const executions = createClient(ExecutionService, transport);
  try {
    const { execution } = await executions.getExecution({ runId: RUN });
    const { orders } = await executions.listPaperOrders({ runId: RUN, pageSize: 1000 });
    const isFilled = execution?.legs.every(({ state }) => state === LegState.FILLED) ?? false;
    fact(
      "the execution is DONE, with as many legs filled as there are paper orders",
      execution?.status === ExecutionStatus.DONE && isFilled && execution.legs.length === orders.length,
    );
    return orders;
  } finally {
    sessionManager.abort();
  }
}

function showOrders(orders: readonly PaperOrder[]): void {
  const rows = orders.flatMap(({ order, fill }) => {
    if (order === undefined || fill === undefined) return [];
    const signed = order.side === OrderSide.BUY ? order.quantity : -order.quantity;
    const flag = order.reduceOnly ? "reduce-only" : "";
    const notional = money(signed * fill.price);
    return [[order.worldId, order.symbol, change(signed), flag, notional, order.clientOrderId.slice(0, 12)]];
  });
  const columns = ["world", "symbol", "quantity>", "", "notional>", "order"];
  printTable("ListPaperOrders, in the sequence of submission", columns, rows);
}
