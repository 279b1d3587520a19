/**
 * An executor of its own: a process with a durable log of the orders it took (one JSON line each, on disk before the
 * answer). With the class `idempotent` it recognises repeats; otherwise it takes whatever comes, twice if it comes twice.
 *
 * argv: class, port, folder
 */
import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { createServer } from "node:http2";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { Order } from "#gen/worldservice/v1/order_pb.ts";
import {
  OrderState,
  type OrderStatusSchema,
  RebalanceExecutorService,
} from "#gen/worldservice/v1/rebalance_executor_service_pb.ts";
import { faultOf } from "./faults.ts";

type Status = MessageInitShape<typeof OrderStatusSchema>;

const [abilities = "", port = "0", folder = ""] = process.argv.slice(2);
const ORDERS = join(folder, "orders.jsonl");
const CALLS = join(folder, "calls.jsonl");
/** Well beyond the deadline of the service under test. */
const LATE_MS = 900;

const taken = new Map<string, number>();
if (existsSync(ORDERS)) {
  for (const line of readFileSync(ORDERS, "utf8").split("\n").filter(Boolean)) {
    const { id, quantity } = JSON.parse(line) as { id: string; quantity: number };
    taken.set(id, quantity);
  }
}
const log = openSync(ORDERS, "a");

function take(orders: readonly Order[]): void {
  const fresh = abilities === "idempotent" ? orders.filter((each) => !taken.has(each.clientOrderId)) : orders;
  for (const { clientOrderId: id, quantity } of fresh) {
    writeSync(log, `${JSON.stringify({ id, quantity })}\n`);
    taken.set(id, quantity);
  }
  fsyncSync(log);
}

function filled(id: string): Status {
  const quantity = taken.get(id);
  if (quantity === undefined) return { clientOrderId: id, state: OrderState.NOT_FOUND };
  return { clientOrderId: id, state: OrderState.FILLED, fills: [{ quantity, price: 1 }] };
}

/** True the first time this run meets its fault, over all lives of this process. */
function strikes(runId: string): boolean {
  try {
    closeSync(openSync(join(folder, `struck.${runId}`), "wx"));
    return true;
  } catch {
    return false;
  }
}

function die(): never {
  process.kill(process.pid, "SIGKILL");
  throw new Error("unreachable");
}

function killService(): void {
  const pid = Number(readFileSync(join(folder, "service.pid"), "utf8"));
  process.kill(pid, "SIGKILL");
}

/** What a fault does around taking the orders, and what it answers. */
const BEHAVIOUR: Readonly<Record<string, (orders: readonly Order[]) => Promise<Status[]>>> = {
  async "kill-during"(orders) {
    killService();
    take(orders);
    return [];
  },
  async "kill-taken"(orders) {
    take(orders);
    killService();
    return [];
  },
  "executor-dies-before": async () => die(),
  async "executor-dies-after"(orders) {
    take(orders);
    return die();
  },
  async late(orders) {
    await sleep(LATE_MS);
    take(orders);
    return orders.map((order) => filled(order.clientOrderId));
  },
  async silent(orders) {
    take(orders);
    await sleep(LATE_MS);
    throw new ConnectError("too late", Code.Internal);
  },
  async nonsense(orders) {
    take(orders);
    return [
      { clientOrderId: "somebody-elses", state: OrderState.FILLED },
      {
        clientOrderId: orders[0]?.clientOrderId ?? "",
        state: OrderState.FILLED,
        fills: [{ quantity: 1e12, price: 1 }],
      },
    ];
  },
};

function routes(router: ConnectRouter): void {
  router.service(RebalanceExecutorService, {
    async submitOrders({ runId, orders, fence }) {
      appendFileSync(CALLS, `${JSON.stringify({ runId, fence: Number(fence), orders: orders.length })}\n`);
      const behave = BEHAVIOUR[faultOf(runId)];
      const answer = behave !== undefined && strikes(runId) ? await behave(orders) : undefined;
      if (answer !== undefined) return { statuses: answer };
      take(orders);
      return { statuses: orders.map((order) => filled(order.clientOrderId)) };
    },
    getOrders({ clientOrderIds }) {
      if (abilities === "neither") throw new ConnectError("no look-ups here", Code.Unimplemented);
      return { statuses: clientOrderIds.map(filled) };
    },
    getExecutorCapabilities: () => ({
      idempotentSubmit: abilities === "idempotent" || abilities === "liar",
      lookup: abilities === "idempotent" || abilities === "lookup",
    }),
  });
}

const server = createServer(connectNodeAdapter({ routes }));
server.listen(Number(port), "127.0.0.1", () => {
  const address = server.address();
  process.send?.({ port: typeof address === "object" ? address?.port : 0 });
});
