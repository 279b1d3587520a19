/** What subscribers saw, in one form for both packages and all protocols. */
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { ControlBusService as ControlBusServiceV1 } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import {
  ControlBusService as ControlBusServiceV2,
  type EventType,
  type StartPosition,
  type SubscribeResponse,
} from "#gen/worldservice/v2/control_bus_service_pb.ts";
import { ErrorInfoSchema } from "#thirdparty/google/rpc/error_details_pb.ts";

export interface SeenEvent {
  readonly id: string;
  readonly type: number;
  readonly worldId: string;
  readonly worldSequence: number;
}

export type Seen =
  | { readonly kind: "topic"; readonly cursor: string; readonly earliest: string }
  | {
      readonly kind: "batch";
      readonly cursor: string;
      readonly revision: number;
      readonly events: readonly SeenEvent[];
    }
  | { readonly kind: "bookmark"; readonly cursor: string; readonly revision: number }
  | { readonly kind: "snapshot"; readonly cursor: string; readonly revision: number };

/** One stream from its first message to its end. */
export interface StreamCapture {
  /** Empty = it was not resumed. */
  readonly afterCursor: string;
  readonly seen: Seen[];
  end: StreamEnd | undefined;
}

export interface StreamEnd {
  readonly code: string;
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface SubscribeOptions {
  readonly worldIds?: string[];
  readonly types?: EventType[];
  readonly start?: StartPosition;
  readonly afterCursor?: string;
}

export type Version = "v1" | "v2";

/** Reads a stream into a capture until it ends, or `stop` says so after a message. Never throws. */
export async function capture(
  transport: Transport,
  version: Version,
  options: SubscribeOptions,
  stop: (seen: Seen, capture: StreamCapture) => boolean = () => false,
  signal?: AbortSignal,
): Promise<StreamCapture> {
  const found: StreamCapture = { afterCursor: options.afterCursor ?? "", seen: [], end: undefined };
  const aborter = new AbortController();
  const abort = () => aborter.abort();
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted === true) abort();
  try {
    const isStopped = await readInto(found, subscribe(transport, version, options, aborter.signal), stop);
    found.end = { code: isStopped ? "stopped" : "ok", reason: "", metadata: {} };
  } catch (error) {
    found.end = endOf(ConnectError.from(error));
  }
  abort();
  signal?.removeEventListener("abort", abort);
  return found;
}

/** Tells whether it was stopped before the end. */
async function readInto(
  found: StreamCapture,
  responses: ReturnType<typeof subscribe>,
  stop: (seen: Seen, capture: StreamCapture) => boolean,
): Promise<boolean> {
  for await (const response of responses) {
    const seen = seenOf(response as SubscribeResponse);
    found.seen.push(seen);
    if (stop(seen, found)) return true;
  }
  return false;
}

function subscribe(transport: Transport, version: Version, options: SubscribeOptions, signal: AbortSignal) {
  return version === "v1"
    ? createClient(ControlBusServiceV1, transport).subscribe(options, { signal })
    : createClient(ControlBusServiceV2, transport).subscribe(options, { signal });
}

export function endOf(error: ConnectError): StreamEnd {
  const info = error.findDetails(ErrorInfoSchema)[0];
  return { code: Code[error.code] ?? "", reason: info?.reason ?? "", metadata: info?.metadata ?? {} };
}

function seenOf({ message }: SubscribeResponse): Seen {
  switch (message.case) {
    case "topic":
      return { kind: "topic", cursor: message.value.latestCursor, earliest: message.value.earliestCursor };
    case "batch":
      return {
        kind: "batch",
        cursor: message.value.cursor,
        revision: Number(message.value.revision),
        events: message.value.events.map(({ id, type, worldId, worldSequence }) => ({
          id,
          type,
          worldId,
          worldSequence: Number(worldSequence),
        })),
      };
    case "bookmark":
    case "snapshot":
      return { kind: message.case, cursor: message.value.cursor, revision: Number(message.value.revision) };
    default:
      throw new Error("a message of no known kind");
  }
}

export function batches({ seen }: StreamCapture): Extract<Seen, { kind: "batch" }>[] {
  return seen.filter((each) => each.kind === "batch");
}

export function revisions(found: StreamCapture): number[] {
  return batches(found).map(({ revision }) => revision);
}

/** The newest cursor that says where to go on; the topic's does not, it is only where the feed was. */
export function lastCursor({ seen, afterCursor }: StreamCapture): string {
  return seen.findLast((each) => each.kind !== "topic")?.cursor ?? afterCursor;
}
