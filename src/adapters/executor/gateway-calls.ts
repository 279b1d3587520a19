import { readFile } from "node:fs/promises";
import { create, type DescMethodUnary, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { Client, connectivityState, credentials } from "@grpc/grpc-js";
import {
  GetExecutorCapabilitiesRequestSchema,
  GetOrdersRequestSchema,
  RebalanceExecutorService,
  SubmitOrdersRequestSchema,
} from "#gen/worldservice/v1/rebalance_executor_service_pb.ts";
import type { ExecutorCapabilities, OrderStatus, Submission, SubmitOutcome } from "../../ports/executor.ts";
import { outcomeOfError } from "./gateway-errors.ts";
import { fromCapabilities, fromStatus, toOrder } from "./gateway-messages.ts";
import type { GrpcExecutorOptions } from "./grpc.ts";

/** The calls of one Gateway, over one connection. */
export interface GatewayCalls {
  /** False where the next call has to connect first. */
  isConnected(): boolean;
  /** Rejects when the Gateway does not answer, or with nonsense. */
  capabilities(timeoutMs: number): Promise<ExecutorCapabilities>;
  /** Never rejects. */
  submit(submission: Submission, timeoutMs: number): Promise<SubmitOutcome>;
  lookUp(ids: readonly string[], timeoutMs: number): Promise<readonly OrderStatus[]>;
  close(): void;
}

const { getExecutorCapabilities, getOrders, submitOrders } = RebalanceExecutorService.method;

/**
 * Nothing is repeated behind our back: a call that the library sends twice is an order that may be placed twice. An
 * answer may be as long as it likes: one that is cut off would leave its orders in doubt.
 */
const CHANNEL = {
  "grpc.enable_retries": 0,
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 2_000,
};

/** @throws Error when the certificate cannot be read. */
export async function openGateway({ host, port, tlsCa }: GrpcExecutorOptions): Promise<GatewayCalls> {
  const security =
    tlsCa === undefined ? credentials.createInsecure() : credentials.createSsl(await readFile(tlsCa));
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const client = new Client(address, security, CHANNEL);
  return {
    isConnected: () => client.getChannel().getConnectivityState(false) === connectivityState.READY,
    async capabilities(timeoutMs) {
      return fromCapabilities(
        await call(client, getExecutorCapabilities, create(GetExecutorCapabilitiesRequestSchema), timeoutMs),
      );
    },
    async submit({ runId, fence, orders }, timeoutMs) {
      const request = create(SubmitOrdersRequestSchema, {
        runId,
        fence: BigInt(fence),
        orders: orders.map(({ order }) => toOrder(order)),
      });
      try {
        const { statuses } = await call(client, submitOrders, request, timeoutMs);
        return { kind: "answered", statuses: statuses.map(fromStatus) };
      } catch (error) {
        return outcomeOfError(error);
      }
    },
    async lookUp(ids, timeoutMs) {
      const request = create(GetOrdersRequestSchema, { clientOrderIds: [...ids] });
      const { statuses } = await call(client, getOrders, request, timeoutMs);
      return statuses.map(fromStatus);
    },
    close: () => client.close(),
  };
}

/** One unary call; the deadline covers connecting too. */
function call<I extends Message, O extends Message>(
  client: Client,
  method: DescMethodUnary & { input: GenMessage<I>; output: GenMessage<O> },
  request: I,
  timeoutMs: number,
): Promise<O> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      `/${method.parent.typeName}/${method.name}`,
      (message: I) => Buffer.from(toBinary(method.input, message)),
      (bytes: Buffer) => fromBinary(method.output, bytes),
      request,
      { deadline: Date.now() + timeoutMs },
      (error, answer) => (answer === undefined ? reject(error ?? new Error("no answer")) : resolve(answer)),
    );
  });
}
