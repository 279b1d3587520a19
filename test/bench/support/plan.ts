import { create, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import {
  type PlanRebalanceRequest,
  PlanRebalanceRequestSchema,
  PlanRebalanceResponseSchema,
} from "#gen/worldservice/v2/rebalance_service_pb.ts";
import {
  type PlannedRebalance,
  planRebalanceCall,
} from "../../../src/orchestration/plan-rebalance/plan-rebalance.ts";
import { fromRebalanceRequest, toRebalancePlan } from "../../../src/rpc/v2/convert.ts";
import { BULK_DECODERS } from "../../../src/rpc/wire/bulk-decoders.ts";

const GATES = { compatRebalanceV2: true, alphaMetricsRequired: false };

/** What protobuf-es makes of a request: the yardstick. */
export const decodeOrdinarily = (bytes: Uint8Array): PlanRebalanceRequest =>
  fromBinary(PlanRebalanceRequestSchema, bytes);

/** What the service makes of it. */
export function decodeByHand(bytes: Uint8Array): PlanRebalanceRequest {
  const decode = BULK_DECODERS.get(PlanRebalanceRequestSchema.typeName);
  if (decode === undefined) throw new Error("no decoder");
  const message: Message = decode(bytes);
  if (!isPlanRequest(message)) throw new Error(`decoded ${message.$typeName}`);
  return message;
}

function isPlanRequest(message: Message): message is PlanRebalanceRequest {
  return message.$typeName === PlanRebalanceRequestSchema.typeName;
}

/** The whole call but for the transport: checks and plans. */
export function planOf(request: PlanRebalanceRequest): PlannedRebalance {
  return planRebalanceCall(GATES, fromRebalanceRequest(request.rebalance, "rebalance"));
}

/** The answer a handler gives. */
export function answerOf(request: PlanRebalanceRequest) {
  const { plan, negotiated } = planOf(request);
  return { plan: toRebalancePlan({ plan, negotiated, intent: undefined, alphaMetrics: undefined }) };
}

/** The answer's bytes, to compare ways with each other. */
export function answerBytes(request: PlanRebalanceRequest): Buffer {
  return Buffer.from(
    toBinary(PlanRebalanceResponseSchema, create(PlanRebalanceResponseSchema, answerOf(request))),
  );
}
