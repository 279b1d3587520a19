import type { Message, MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  ExecutionResolution,
  type ExecutionSchema,
  type ExecutionService,
  type ResolveExecutionRequest,
} from "#gen/worldservice/v1/execution_service_pb.ts";
import { ExecutionStatus } from "#gen/worldservice/v1/order_pb.ts";
import type { ExecutionStatus as ExecutionStatusName } from "../../domain/events/types.ts";
import type { Execution, ExecutionHeader, Resolution } from "../../domain/orders/execution.ts";
import { listPaperOrders, type PaperPosition } from "../../orchestration/execute/paper-orders.ts";
import { getExecution, listExecutions } from "../../orchestration/execute/read-executions.ts";
import { resolveExecution } from "../../orchestration/execute/resolve.ts";
import type { WriteDeps } from "../../orchestration/shared/deps.ts";
import { callOptions } from "../call-options.ts";
import { fromPageToken, pageSize, toPageToken } from "../pages.ts";
import { callerOf } from "../principal.ts";
import { toFill, toOrder } from "./convert-orders.ts";
import { toLeg } from "./events.ts";

type ExecutionShape = Exclude<MessageInitShape<typeof ExecutionSchema>, Message>;

/** `worldservice.v1.ExecutionService`. */
export function executionServiceV1(deps: WriteDeps): ServiceImpl<typeof ExecutionService> {
  return {
    async getExecution(request) {
      const { runId, execution } = await getExecution(deps.store, request.runId);
      return { execution: execution === undefined ? notRequested(deps, runId) : toExecution(execution) };
    },
    async listExecutions(request) {
      const position = fromPageToken(request.pageToken, ["", 0]);
      const after = position === undefined ? undefined : { id: position[0], created: position[1] };
      const statuses = fromStatuses(request.statuses);
      const { executions, next } = await listExecutions(
        deps.store,
        pageSize(request.pageSize),
        after,
        statuses,
      );
      return {
        executions: executions.map(toHeader),
        nextPageToken: toPageToken(next && [next.id, next.created]),
      };
    },
    async resolveExecution(request, context) {
      const resolution = fromResolution(request);
      const caller = callerOf(context);
      const options = callOptions(context);
      const execution = await resolveExecution(deps, request.runId, resolution, caller, options);
      return { execution: toExecution(execution) };
    },
    async listPaperOrders(request) {
      const position = fromPageToken(request.pageToken, [0, 0]);
      const from: PaperPosition = { number: position?.[0] ?? 0, index: position?.[1] ?? 0 };
      const { orders, next } = await listPaperOrders(
        deps.store,
        request.runId,
        pageSize(request.pageSize),
        from,
      );
      return {
        orders: orders.map(({ runId, order, fill }) => ({
          runId,
          order: toOrder(order),
          fill: toFill(fill),
        })),
        nextPageToken: toPageToken(next && [next.number, next.index]),
      };
    },
  };
}

function fromStatuses(wanted: readonly ExecutionStatus[]): ReadonlySet<ExecutionStatusName> {
  const named = new Set<number>(wanted);
  return new Set(STATUS_NAMES.filter((name) => named.has(ExecutionStatus[name])));
}

const STATUS_NAMES = [
  "NOT_REQUESTED",
  "PLANNED",
  "INTENT",
  "SUBMITTED",
  "DONE",
  "FAILED",
  "IN_DOUBT",
] as const satisfies readonly ExecutionStatusName[];

function fromResolution({ clientOrderId, resolution, fills, reason }: ResolveExecutionRequest): Resolution {
  return {
    clientOrderId,
    isExecuted: resolution === ExecutionResolution.EXECUTED,
    fills: fills.map(({ quantity, price, filledAt }) => ({
      quantity,
      price,
      filledAtMs: filledAt === undefined ? 0 : timestampMs(filledAt),
    })),
    reason,
  };
}

function notRequested(deps: WriteDeps, runId: string): ExecutionShape {
  return { runId, status: ExecutionStatus.NOT_REQUESTED, executor: deps.execution.executor.kind };
}

function toHeader(header: ExecutionHeader): ExecutionShape {
  return {
    runId: header.runId,
    status: ExecutionStatus[header.status],
    legCount: header.legCount,
    inDoubtCount: header.inDoubtCount,
    executor: header.executor,
    worldIds: [...header.worldIds],
    createdAt: timestampFromMs(header.createdAtMs),
    updatedAt: timestampFromMs(header.updatedAtMs),
  };
}

function toExecution({ header, legs }: Execution): ExecutionShape {
  return { ...toHeader(header), legs: legs.map(toLeg) };
}
