import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ActivationPhase, ApplyStage } from "#gen/worldservice/v1/activation_service_pb.ts";
import {
  type EventSchema,
  EventType,
  type SubscribeRequest,
  type WorldSnapshotSchema,
} from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { type ExecutionLegSchema, LegState } from "#gen/worldservice/v1/execution_service_pb.ts";
import { ExecutionStatus } from "#gen/worldservice/v1/order_pb.ts";
import type { PolicySchema } from "#gen/worldservice/v1/policy_service_pb.ts";
import {
  type DomainEvent,
  type DomainEventOf,
  EVENT_TYPES,
  type EventPayloads,
  type EventType as EventTypeName,
  type LegFacts,
  type PolicyUpdated,
} from "../../domain/events/types.ts";
import type { FeedEvent } from "../feed/frame.ts";
import type { WorldSnapshot } from "../feed/snapshot.ts";
import { toWorldPlan } from "./convert.ts";
import { toActivationEntry } from "./convert-activation.ts";
import { toSnapshot } from "./convert-allocations.ts";
import { toAlphaMetrics } from "./convert-alpha.ts";
import { toFill, toOrder } from "./convert-orders.ts";
import { toWorld } from "./convert-worlds.ts";

type EventShape = MessageInitShape<typeof EventSchema>;
type PayloadShape = NonNullable<EventShape["payload"]>;

/** An event in v1 shape, whichever package caused it. */
export function toEvent({ event, id, worldSequence }: FeedEvent): EventShape {
  return {
    id,
    type: EventType[event.type] ?? EventType.UNSPECIFIED,
    source: "worldservice",
    worldId: event.worldId,
    time: timestampFromMs(event.timeMs),
    correlationId: event.correlationId,
    idempotencyKey: event.idempotencyKey,
    worldSequence: BigInt(worldSequence),
    schemaVersion: event.schemaVersion,
    payload: toPayload(event),
  };
}

/** The kinds a subscriber asked for, as the domain names them; none = all. */
export function fromEventTypes(types: SubscribeRequest["types"]): EventTypeName[] {
  const wanted = new Set<number>(types);
  return EVENT_TYPES.filter((name) => wanted.has(EventType[name]));
}

/** The state of one world, as a snapshot carries it. */
export function toWorldSnapshot(world: WorldSnapshot): MessageInitShape<typeof WorldSnapshotSchema> {
  const { worldId, worldSequence, state, stateHash } = world;
  return {
    worldId,
    worldSequence: BigInt(worldSequence),
    activations: state.activations.map(toActivationEntry),
    decisions: [...state.decisions],
    stateHash,
    ...(state.applyStage && { applyStage: ApplyStage[state.applyStage] }),
    ...(state.allocation && { allocation: toSnapshot(state.allocation) }),
  };
}

/** A type that a newer process wrote and this one does not know travels without payload, rather than not at all. */
function toPayload<T extends EventTypeName>(event: DomainEventOf<T>): PayloadShape {
  return PAYLOADS[event.type]?.(event.payload, event) ?? { case: undefined };
}

/** What a payload is told of its event. */
type Facts = Pick<DomainEvent, "worldId" | "schemaVersion">;

const PAYLOADS: { readonly [T in EventTypeName]: (payload: EventPayloads[T], facts: Facts) => PayloadShape } =
  {
    // Rebalancing events of this package carry no figures, whatever the run had.
    REBALANCING_PLANNED: ({ runId, plan }) => ({
      case: "rebalancingPlanned",
      value: { runId, plan: toWorldPlan(plan), alphaMetrics: {} },
    }),
    ALLOCATION_UPDATED: ({ allocation, previousAllocation, stateHash }) => ({
      case: "allocationUpdated",
      value: { allocation: toSnapshot(allocation), previousAllocation, stateHash },
    }),
    ACTIVATION_UPDATED: ({ entry, runId, phase, requiresAck, sequence, version, stateHash }) => ({
      case: "activationUpdated",
      value: {
        entry: toActivationEntry(entry),
        runId,
        phase: ActivationPhase[phase],
        requiresAck,
        sequence: BigInt(sequence),
        version: BigInt(version),
        stateHash,
      },
    }),
    DECISIONS_UPDATED: ({ strategies, stateHash }) => ({
      case: "decisionsUpdated",
      value: { strategies: [...strategies], stateHash },
    }),
    BINDINGS_UPDATED: ({ strategies }) => ({
      case: "bindingsUpdated",
      value: { strategies: [...strategies] },
    }),
    POLICY_UPDATED: (payload, { worldId }) => ({
      case: "policyUpdated",
      value: {
        policy: toPolicy(payload, worldId),
        defaultVersion: payload.defaultVersion,
        active: [...payload.active],
      },
    }),
    EXECUTION_STATE_CHANGED: ({ runId, status, legs }) => ({
      case: "executionStateChanged",
      value: { runId, status: ExecutionStatus[status], legs: legs.map(toLeg) },
    }),
    APPLY_STAGE_CHANGED: ({ runId, stage, active, reason, stateHash }) => ({
      case: "applyStageChanged",
      value: { runId, stage: ApplyStage[stage], active: [...active], reason, stateHash },
    }),
    WORLD_UPDATED: ({ world }) => ({ case: "worldUpdated", value: { world: toWorld(world) } }),
    ALPHA_METRICS_RECORDED: ({ alphaMetrics }) => ({
      case: "alphaMetricsRecorded",
      value: { alphaMetrics: toAlphaMetrics(alphaMetrics) },
    }),
    ACK_TIMEOUT: ({ runId, sequence, missing }) => ({
      case: "ackTimeout",
      value: { runId, sequence: BigInt(sequence), missing: [...missing] },
    }),
  };

function toPolicy(payload: PolicyUpdated, worldId: string): MessageInitShape<typeof PolicySchema> {
  const { version, body, checksum, createdAtMs, defaultVersion } = payload;
  return {
    worldId,
    version,
    body,
    checksum,
    isDefault: version === defaultVersion,
    createdAt: timestampFromMs(createdAtMs),
  };
}

/** One order of an execution and what became of it. */
export function toLeg(leg: LegFacts): MessageInitShape<typeof ExecutionLegSchema> {
  return {
    clientOrderId: leg.order.clientOrderId,
    order: toOrder(leg.order),
    state: LegState[leg.state],
    fills: leg.fills.map(toFill),
    filledQuantity: leg.filledQuantity,
    message: leg.message,
    attempts: leg.attempts,
    updatedAt: timestampFromMs(leg.updatedAtMs),
  };
}
