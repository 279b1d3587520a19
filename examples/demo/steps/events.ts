/** The events of the whole demo, once more: what one follower saw over three cuts is what everybody can read. */
import {
  type EventBatch as EventBatchV1,
  StartPosition,
} from "#gen/worldservice/v1/control_bus_service_pb.ts";
import type { EventBatch as EventBatchV2 } from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { fact, within } from "../facts.ts";
import type { SeenEvent } from "../follower.ts";
import { heading, say } from "../output.ts";
import type { Stage } from "../stage.ts";

const READ_MS = 15_000;
/** Cut by us once, by the end of the server twice. */
const CUTS = 3;

/** Subscribes from the oldest event on. */
export async function followEvents(stage: Stage): Promise<void> {
  heading("Events");
  await stage.follower.start(stage.clients());
  say("following: events appear below as they arrive");
}

/** Nothing lost, nothing twice, in order, over every cut, for subscribers of both packages. */
export async function compareEvents(stage: Stage): Promise<void> {
  heading("Events: nothing lost, nothing twice");
  const { seen, resumptions } = stage.follower;
  fact(
    `the follower was cut ${CUTS} times and resumed from its cursor`,
    resumptions() === CUTS,
    resumptions(),
  );
  fact(
    `${seen.length} events, each once`,
    seen.length > 0 && new Set(seen.map(({ id }) => id)).size === seen.length,
  );
  fact("each world counts its events 1, 2, 3 …", worldsCount(seen));
  const ids = seen.map(({ id }) => id);
  const last = seen.at(-1)?.revision ?? 0n;
  const from = { start: StartPosition.EARLIEST };
  const { feedV1, feedV2 } = stage.clients();
  const open = { controller: new AbortController() };
  const options = { signal: open.controller.signal, timeoutMs: 0 };
  const v2 = await within(READ_MS, "reading all events (v2)", readTo(last, feedV2.subscribe(from, options)));
  fact("a new subscriber of v2 reads the same events", sameList(v2, ids), v2);
  const v1 = await within(READ_MS, "reading all events (v1)", readTo(last, feedV1.subscribe(from, options)));
  fact("a new subscriber of v1 reads the same events", sameList(v1, ids), v1);
  open.controller.abort();
}

function worldsCount(seen: readonly SeenEvent[]): boolean {
  const newest = new Map<string, bigint>();
  return seen.every(({ worldId, worldSequence }) => {
    const follows = worldSequence === (newest.get(worldId) ?? 0n) + 1n;
    newest.set(worldId, worldSequence);
    return follows;
  });
}

function sameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((id, index) => id === right[index]);
}

/** Ids of all events up to a revision. */
async function readTo(
  last: bigint,
  messages: AsyncIterable<{ message: { case: string | undefined; value?: unknown } }>,
) {
  const ids: string[] = [];
  for await (const { message } of messages) {
    if (message.case !== "batch") continue;
    const { events, revision } = message.value as EventBatchV1 | EventBatchV2;
    ids.push(...events.map(({ id }) => id));
    if (revision >= last) break;
  }
  return ids;
}
