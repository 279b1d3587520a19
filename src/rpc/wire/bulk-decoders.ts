import type { Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import * as v1Allocation from "#gen/worldservice/v1/allocation_service_pb.ts";
import * as v1Rebalance from "#gen/worldservice/v1/rebalance_service_pb.ts";
import * as v2Allocation from "#gen/worldservice/v2/allocation_service_pb.ts";
import * as v2Rebalance from "#gen/worldservice/v2/rebalance_service_pb.ts";
import type { PositionCarrier } from "./positions.ts";
import { type BulkLayout, readBulkRequest } from "./read-bulk-request.ts";
import type { BulkFields } from "./split-message.ts";

/** Decodes one kind of request as `fromBinary` does, with its positions attached instead of inside. */
export type RequestDecoder = (bytes: Uint8Array) => Message;

/** `positions` and `position_table` of the carriers. */
const V1_REBALANCE: BulkFields = { rows: 5 };
const V2_REBALANCE: BulkFields = { rows: 5, single: 15 };
const V1_UPSERT: BulkFields = { rows: 4 };
const V2_UPSERT: BulkFields = { rows: 4, single: 17 };

/** The decoders of all requests that carry positions, by full name of the request message. */
export const BULK_DECODERS: ReadonlyMap<string, RequestDecoder> = new Map([
  nested(v1Rebalance.PlanRebalanceRequestSchema, 1, V1_REBALANCE),
  nested(v1Rebalance.ApplyRebalanceRequestSchema, 2, V1_REBALANCE),
  nested(v1Rebalance.ExecuteRebalanceRequestSchema, 2, V1_REBALANCE),
  nested(v2Rebalance.PlanRebalanceRequestSchema, 1, V2_REBALANCE),
  nested(v2Rebalance.ApplyRebalanceRequestSchema, 2, V2_REBALANCE),
  nested(v2Rebalance.ExecuteRebalanceRequestSchema, 2, V2_REBALANCE),
  own(v1Allocation.UpsertAllocationsRequestSchema, V1_UPSERT),
  own(v2Allocation.UpsertAllocationsRequestSchema, V2_UPSERT),
]);

type WithRebalance = Message & {
  rebalance?: v1Rebalance.RebalanceRequest | v2Rebalance.RebalanceRequest | undefined;
};

/** A request whose field `rebalance` carries the positions. */
function nested<M extends WithRebalance>(
  schema: GenMessage<M>,
  carrierField: number,
  fields: BulkFields,
): [string, RequestDecoder] {
  const layout: BulkLayout<M> = { schema, carrierField, fields, carrierOf: (message) => message.rebalance };
  return [schema.typeName, (bytes) => readBulkRequest(layout, bytes)];
}

/** A request that carries the positions itself. */
function own<M extends PositionCarrier>(schema: GenMessage<M>, fields: BulkFields): [string, RequestDecoder] {
  const layout: BulkLayout<M> = { schema, carrierField: undefined, fields, carrierOf: (message) => message };
  return [schema.typeName, (bytes) => readBulkRequest(layout, bytes)];
}
