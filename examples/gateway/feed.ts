/** Follows the service's events: acknowledges what waits for it, and remembers where it is. */
import { setTimeout as sleep } from "node:timers/promises";
import { createClient, type Transport } from "@connectrpc/connect";
import {
  ControlBusService,
  type Event,
  EventTypeSchema,
  StartPosition,
  type TopicMeta,
} from "#gen/worldservice/v1/control_bus_service_pb.ts";
import type { Worlds } from "./worlds.ts";

const PAUSE_MS = 200;

/** What the Gateway's health tells of its feed. */
export interface FeedState {
  readonly connected: boolean;
  /** How many events have come, by type name. */
  readonly events: ReadonlyMap<string, number>;
  readonly acknowledged: number;
  /** What the stream's first message said; undefined before it. */
  readonly meta: TopicMeta | undefined;
}

export interface Feed {
  readonly state: () => FeedState;
  stop(): Promise<void>;
}

/**
 * Subscribes, and again from its cursor whenever the stream ends.
 *
 * @param subscriber the name under which freezes are acknowledged: the authenticated principal where there is one.
 */
export function followFeed(transport: Transport, worlds: Worlds, subscriber: string): Feed {
  const client = createClient(ControlBusService, transport);
  const stopping = new AbortController();
  const events = new Map<string, number>();
  let connected = false;
  let acknowledged = 0;
  let meta: TopicMeta | undefined;
  let cursor = "";

  async function take(event: Event): Promise<void> {
    const name = EventTypeSchema.value[event.type]?.localName ?? String(event.type);
    events.set(name, (events.get(name) ?? 0) + 1);
    if (event.payload.case !== "activationUpdated" || !event.payload.value.requiresAck) return;
    const { runId, sequence } = event.payload.value;
    await worlds.activation.acknowledgeActivation({ worldId: event.worldId, subscriber, sequence, runId });
    acknowledged += 1;
  }

  async function follow(): Promise<void> {
    const from = cursor === "" ? { start: StartPosition.EARLIEST } : { afterCursor: cursor };
    for await (const { message } of client.subscribe(from, { signal: stopping.signal })) {
      connected = true;
      if (message.case === "topic") {
        meta = message.value;
        await worlds.negotiate(); // the gates may have changed while nobody was listening
      }
      if (message.case === "batch") {
        for (const event of message.value.events) await take(event);
        cursor = message.value.cursor;
      }
      if (message.case === "bookmark") cursor = message.value.cursor;
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await follow().catch(() => undefined); // cut, drained or refused: it is subscribed again from the cursor
      connected = false;
      await sleep(PAUSE_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const running = run();
  return {
    state: () => ({ connected, events, acknowledged, meta }),
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
