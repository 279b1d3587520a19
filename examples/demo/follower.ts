/** Follows the book's events from the demo's start to its end: prints each as it arrives, resumes from its cursor. */
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type Event,
  type EventBatch,
  EventTypeSchema,
  StartPosition,
  type SubscribeResponse,
} from "#gen/worldservice/v2/control_bus_service_pb.ts";
import type { Clients } from "./clients.ts";
import { DemoFailure, fact, within } from "./facts.ts";
import { paint, say } from "./output.ts";

const ARRIVAL_MS = 15_000;

/** One event as it was seen. */
export interface SeenEvent {
  readonly id: string;
  readonly revision: bigint;
  readonly worldId: string;
  readonly worldSequence: bigint;
}

export interface Follower {
  /** Everything seen so far, in order of arrival. */
  readonly seen: readonly SeenEvent[];
  /** How often it continued from its cursor. */
  readonly resumptions: () => number;
  /** Subscribes from the oldest event. */
  start(clients: Clients): Promise<void>;
  /** Ends the stream from this side. */
  cut(): Promise<void>;
  /** Waits until the stream that the server's end cut has ended on this side too. */
  ended(): Promise<void>;
  /** Subscribes again, exactly behind the last thing seen. */
  resume(clients: Clients): Promise<void>;
  /** Waits until everything up to this revision has arrived. */
  reach(revision: bigint): Promise<void>;
}

interface Stream {
  readonly controller: AbortController;
  /** Never rejects. */
  readonly done: Promise<void>;
}

export function createFollower(): Follower {
  const seen: SeenEvent[] = [];
  let resumptions = 0;
  let cursor = "";
  let revision = 0n;
  let failure: unknown;
  let stream: Stream | undefined;
  let moved = Promise.withResolvers<void>();

  function take(response: SubscribeResponse): void {
    const { message } = response;
    if (message.case === "batch") takeBatch(message.value);
    if (message.case === "bookmark") ({ cursor, revision } = message.value);
    moved.resolve();
    moved = Promise.withResolvers();
  }

  function takeBatch(batch: EventBatch): void {
    if (batch.revision <= revision) {
      throw new DemoFailure(`revision ${batch.revision} arrived after revision ${revision}`);
    }
    for (const event of batch.events) {
      const { id, worldId, worldSequence } = event;
      seen.push({ id, worldId, worldSequence, revision: batch.revision });
      show(event, batch.revision);
    }
    ({ cursor, revision } = batch);
  }

  async function consume(rest: AsyncIterator<SubscribeResponse>): Promise<void> {
    try {
      for (let next = await rest.next(); next.done !== true; next = await rest.next()) take(next.value);
    } catch (error) {
      if (!isEndOfStream(error)) failure = error;
    } finally {
      moved.resolve();
    }
  }

  async function open(clients: Clients): Promise<void> {
    const controller = new AbortController();
    const from = cursor === "" ? { start: StartPosition.EARLIEST } : { afterCursor: cursor };
    const messages = clients.feedV2.subscribe(from, { signal: controller.signal, timeoutMs: 0 });
    const iterator = messages[Symbol.asyncIterator]();
    const first = await within(ARRIVAL_MS, "the first message of the feed", iterator.next());
    const topic = first.done === true ? undefined : first.value.message;
    fact(
      "the first message of a subscription tells the topic and the gates",
      topic?.case === "topic" && topic.value.compatRebalanceV2 && topic.value.schemaVersion === 2,
      topic,
    );
    stream = { controller, done: consume(iterator) };
  }

  async function ended(): Promise<void> {
    if (stream === undefined) return;
    await within(ARRIVAL_MS, "the end of the feed", stream.done);
    stream = undefined;
    if (failure !== undefined) throw failure;
  }

  return {
    seen,
    resumptions: () => resumptions,
    ended,
    start: open,
    async cut() {
      stream?.controller.abort();
      await ended();
    },
    async resume(clients) {
      await open(clients);
      resumptions += 1;
    },
    async reach(wanted) {
      const arrival = async () => {
        while (revision < wanted && failure === undefined) await moved.promise;
        if (failure !== undefined) throw failure;
      };
      await within(ARRIVAL_MS, `the arrival of revision ${wanted}`, arrival());
    },
  };
}

/** A stream ends because we cut it, or because its server stopped or was killed: that is what cursors are for. */
function isEndOfStream(error: unknown): boolean {
  const codes: readonly Code[] = [Code.Canceled, Code.Unavailable, Code.Aborted, Code.Internal, Code.Unknown];
  return error instanceof ConnectError && codes.includes(error.code);
}

function show({ type, worldId, worldSequence, schemaVersion, payload }: Event, revision: bigint): void {
  const name = EventTypeSchema.value[type]?.name.replace("EVENT_TYPE_", "") ?? String(type);
  const run = runOf(payload);
  const place = `revision ${revision}, ${worldId} #${worldSequence}, v${schemaVersion}`;
  say(`  ${paint("magenta", "event")} ${name} (${place})${run === "" ? "" : ` ${run}`}`);
}

function runOf(payload: Event["payload"]): string {
  if (payload.case === "rebalancingPlanned") return payload.value.runId;
  return payload.case === "allocationUpdated" ? (payload.value.allocation?.runId ?? "") : "";
}
