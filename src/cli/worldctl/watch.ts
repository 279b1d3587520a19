/** `worldctl watch`: the feed on a terminal or as JSON lines, resumed from where it was left. */
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { create, type DescMessage, type JsonValue, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Command, Option } from "commander";
import {
  EventType,
  EventTypeSchema,
  SubscribeResponseSchema as ResponseV1Schema,
  StartPosition,
  StartPositionSchema,
} from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { SubscribeResponseSchema as ResponseV2Schema } from "#gen/worldservice/v2/control_bus_service_pb.ts";
import {
  codeName,
  type FeedMessageV1,
  type FeedMessageV2,
  type FollowOptions,
  follow,
} from "../../client/index.ts";
import { choice } from "./choices.ts";
import { amount, names } from "./input.ts";
import { UsageError } from "./io.ts";
import type { Session } from "./session.ts";
import { paint, printable } from "./table.ts";

const EVENT_TYPES = new Map(Object.entries(EventType).filter(([, type]) => type !== EventType.UNSPECIFIED));
const STARTS = new Map(Object.entries(StartPosition));

interface WatchOptions {
  readonly type?: readonly string[];
  readonly start?: string;
  readonly afterCursor?: string;
  readonly cursorFile?: string;
  readonly limit?: number;
}

export function describeWatch(command: Command): Command {
  return command
    .summary("follow the events of the book as they happen")
    .argument("[worlds...]", "only these worlds")
    .addOption(
      new Option(
        "--type <a,b>",
        `only these kinds: ${[...EVENT_TYPES.keys()].join(", ")}; repeatable`,
      ).argParser(names),
    )
    .addOption(choice("--start <position>", "where to begin without a cursor (LATEST)", StartPositionSchema))
    .addOption(new Option("--after-cursor <cursor>", "go on exactly behind this cursor"))
    .addOption(
      new Option("--cursor-file <file>", "keep the cursor in this file, and go on from it the next time"),
    )
    .addOption(new Option("--limit <n>", "end after this many events").argParser(amount));
}

export const WATCH_EXAMPLES = [
  "watch",
  "watch alpha --type ALLOCATION_UPDATED --start EARLIEST",
  "watch --cursor-file .cursor --json >> events.jsonl",
];

/** Follows until the user, `--limit`, or an error ends it. */
export async function runWatch(
  worlds: readonly string[],
  given: WatchOptions,
  session: Session,
): Promise<void> {
  const options = await followOptions(worlds, given, session);
  const show = createPrinter(session);
  const keep = cursorKeeper(given.cursorFile);
  let left = given.limit ?? Number.POSITIVE_INFINITY;
  for await (const message of await messages(session, options)) {
    await show(message);
    // Kept once it is shown: whatever ends this process, nothing is missed.
    if (message.case !== "topic") await keep(message.value.cursor);
    if (message.case === "batch") left -= message.value.events.length;
    if (left <= 0) return;
  }
}

async function messages(session: Session, options: FollowOptions): Promise<AsyncIterable<Message>> {
  const { v1, v2 } = session.connection.clients;
  return (await session.version()) === 2 ? follow(v2.controlBus, options) : follow(v1.controlBus, options);
}

type Message = FeedMessageV1 | FeedMessageV2;

async function followOptions(
  worldIds: readonly string[],
  given: WatchOptions,
  session: Session,
): Promise<FollowOptions> {
  if (given.cursorFile !== undefined) await assertKeepable(given.cursorFile);
  const kept = given.cursorFile === undefined ? "" : await readCursor(given.cursorFile);
  const afterCursor = given.afterCursor ?? kept;
  if (given.afterCursor !== undefined && given.start !== undefined) {
    throw new UsageError("--start and --after-cursor exclude each other");
  }
  return {
    worldIds,
    types: (given.type ?? []).map(eventType),
    ...(afterCursor === ""
      ? { start: STARTS.get(given.start ?? "") ?? StartPosition.UNSPECIFIED }
      : { afterCursor }),
    signal: session.io.signal,
    onInterruption: ({ refusal }, failures, pauseMs) => {
      const why = `${refusal.reason || codeName(refusal.code)}: ${refusal.message}`;
      const when = `attempt ${failures}, again in ${Math.round(pauseMs)} ms`;
      void session.io.err.write(`interrupted (${printable(why)}); ${when}\n`);
    },
  };
}

/** Short names in any case, checked before anything is sent. */
function eventType(given: string): EventType {
  const found = EVENT_TYPES.get(given.toUpperCase().replaceAll("-", "_"));
  if (found !== undefined) return found;
  throw new UsageError(`no kind of event: ${given}; there are ${[...EVENT_TYPES.keys()].join(", ")}`);
}

async function readCursor(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw new UsageError(`cannot read ${path}: ${error instanceof Error ? error.message : ""}`);
  }
}

/** Found out before anything is shown: what cannot be kept would come again the next time. */
async function assertKeepable(path: string): Promise<void> {
  try {
    await writeFile(`${path}.new`, "");
    await rm(`${path}.new`);
  } catch (error) {
    throw new UsageError(`cannot write ${path}: ${error instanceof Error ? error.message : ""}`);
  }
}

/** Replaces the file in one step, so that no half of a cursor is ever read. */
function cursorKeeper(path: string | undefined): (cursor: string) => Promise<void> {
  let kept = "";
  return async (cursor) => {
    if (path === undefined || cursor === kept) return;
    await writeFile(`${path}.new`, `${cursor}\n`);
    await rename(`${path}.new`, path);
    kept = cursor;
  };
}

/** One line of JSON per message, or one line of text per event. */
function createPrinter({ io, isJson, hasColor }: Session): (message: Message) => Promise<void> {
  return async (message) => {
    const lines = isJson ? [JSON.stringify(asJson(message))] : linesOf(message, hasColor);
    if (lines.length > 0) await io.out.write(`${lines.join("\n")}\n`);
  };
}

/** The message as the service sent it; both packages know each other's by their type names alone. */
function asJson(message: Message): JsonValue {
  return message.value.$typeName.startsWith("worldservice.v1.")
    ? responseJson(ResponseV1Schema, { message } as MessageInitShape<typeof ResponseV1Schema>)
    : responseJson(ResponseV2Schema, { message } as MessageInitShape<typeof ResponseV2Schema>);
}

function responseJson<D extends DescMessage>(schema: D, init: MessageInitShape<D>): JsonValue {
  return toJson(schema, create(schema, init));
}

function linesOf(message: Message, hasColor: boolean): string[] {
  const dim = (text: string) => (hasColor ? paint("dim", text) : text);
  switch (message.case) {
    case "topic":
      return [dim(`-- ${message.value.topic}, schema version ${message.value.schemaVersion}`)];
    case "bookmark":
      return [];
    case "snapshot":
      return [
        dim(`-- state at revision ${message.value.revision}`),
        ...message.value.worlds.map(({ worldId, worldSequence, allocation, decisions }) =>
          printable(
            `${worldId} #${worldSequence} share ${allocation?.allocation ?? "none"}, decided: ${decisions.join(", ") || "nothing"}`,
          ),
        ),
      ];
    case "batch":
      return message.value.events.map((event) => eventLine(event, message.value.revision, hasColor));
  }
}

type Event = Extract<Message, { case: "batch" }>["value"]["events"][number];

function eventLine(event: Event, revision: bigint, hasColor: boolean): string {
  const { type, worldId, worldSequence, time, payload } = event;
  const kind = (EventTypeSchema.value[type]?.name ?? `EVENT_TYPE_${type}`).replace("EVENT_TYPE_", "");
  const when = time === undefined ? "" : timestampDate(time).toISOString();
  const begin = `${String(revision).padStart(6)}  ${when}  `;
  const end = printable(`${worldId} #${worldSequence}  ${about(payload)}`.trimEnd());
  const padded = kind.padEnd(24);
  return `${begin}${hasColor ? paint("magenta", padded) : padded}  ${end}`;
}

/** The one thing a reader of the line wants to know. */
function about({ case: kind, value }: Event["payload"]): string {
  switch (kind) {
    case "rebalancingPlanned":
      return `run ${value.runId}, ${value.plan?.deltas.length} deltas`;
    case "allocationUpdated":
      return `${value.previousAllocation} -> ${value.allocation?.allocation}`;
    case "activationUpdated":
      return `${value.entry?.strategyId} ${value.entry?.active ? "on" : "off"}, sequence ${value.sequence}`;
    default:
      return value === undefined ? "" : aboutAny(value);
  }
}

/** Strategies or a run, for kinds of events that have one of them. */
function aboutAny(value: object): string {
  if ("strategies" in value && Array.isArray(value.strategies)) return value.strategies.join(", ");
  return "runId" in value ? `run ${value.runId}` : "";
}
