import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type ControlBusService,
  EventSchema,
  StartPosition,
  type SubscribeRequest,
  type SubscribeResponse,
  SubscribeResponseSchema,
} from "#gen/worldservice/v1/control_bus_service_pb.ts";
import type { Gates } from "../../domain/rebalance/negotiation.ts";
import { framesOf, isCarried } from "../feed/deliver.ts";
import type { FeedHub, FeedPackage, OpenedSubscription } from "../feed/hub.ts";
import type { FeedQuery } from "../feed/start.ts";
import type { Subscription } from "../feed/subscription.ts";
import { frameOf, messageOf } from "../feed/wire.ts";
import { fromEventTypes, toEvent, toWorldSnapshot } from "./events.ts";

/** What the service tells of itself beside its events. */
export interface FeedTopic {
  readonly hub: FeedHub;
  readonly book: string;
  readonly gates: Gates;
}

/** How this package writes what the feed carries. */
export const feedPackageV1: FeedPackage = {
  encodeEvent: (event) => toBinary(EventSchema, create(EventSchema, toEvent(event))),
  snapshotFrame({ head, worlds }, cursor) {
    const value = { cursor, revision: BigInt(head.revision), worlds: worlds.map(toWorldSnapshot) };
    const response = create(SubscribeResponseSchema, { message: { case: "snapshot", value } });
    return frameOf(toBinary(SubscribeResponseSchema, response));
  },
};

/** `worldservice.v1.ControlBusService`. */
export function controlBusServiceV1(topic: FeedTopic): ServiceImpl<typeof ControlBusService> {
  return {
    async *subscribe(request, context) {
      const { signal, values } = context;
      const opened = await topic.hub.open(feedPackageV1, fromSubscribeRequest(request), signal);
      yield topicMessage(topic, opened);
      const { subscription } = opened;
      if (!(await isCarried(subscription, values))) yield* messagesOf(subscription);
      signal.throwIfAborted(); // tells the caller why the feed ended
    },
  };
}

const STARTS = new Map<StartPosition, FeedQuery["start"]>([
  [StartPosition.LATEST, "LATEST"],
  [StartPosition.EARLIEST, "EARLIEST"],
  [StartPosition.SNAPSHOT, "SNAPSHOT"],
]);

function fromSubscribeRequest({ worldIds, types, start, afterCursor }: SubscribeRequest): FeedQuery {
  return { worldIds, types: fromEventTypes(types), start: STARTS.get(start), afterCursor };
}

function topicMessage({ book, gates }: FeedTopic, opened: OpenedSubscription): SubscribeResponse {
  const { compatRebalanceV2, alphaMetricsRequired } = gates;
  const { earliestCursor, latestCursor } = opened;
  const value = {
    topic: `worldservice.${book}`,
    schemaVersion: compatRebalanceV2 ? 2 : 1,
    compatRebalanceV2,
    alphaMetricsRequired,
    earliestCursor,
    latestCursor,
  };
  return create(SubscribeResponseSchema, { message: { case: "topic", value } });
}

async function* messagesOf(subscription: Subscription): AsyncGenerator<SubscribeResponse> {
  for await (const frame of framesOf(subscription)) yield decoded(frame);
}

/** Frames are shared by subscribers, so their messages are, too. */
const known = new WeakMap<Uint8Array, SubscribeResponse>();

function decoded(frame: Uint8Array): SubscribeResponse {
  const response = known.get(frame) ?? fromBinary(SubscribeResponseSchema, messageOf(frame));
  known.set(frame, response);
  return response;
}
