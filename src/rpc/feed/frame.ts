import type { DomainEvent, EventType } from "../../domain/events/types.ts";
import { fromStored } from "../../domain/stored-json.ts";
import type { LogEntry } from "../../ports/event-log.ts";
import { encodeCursor } from "./cursor.ts";
import { batchFrame } from "./wire.ts";

/** An event of the feed with what only its commit knows. */
export interface FeedEvent {
  readonly event: DomainEvent;
  /** Unique in this history, the same for every subscriber of every replica, and in a restored copy of the store. */
  readonly id: string;
  /** 1, 2, 3 … among the world's events. */
  readonly worldSequence: number;
}

/** How one package of the contract writes an event: as the bytes of its `Event` message. */
export interface EventEncoder {
  encodeEvent(event: FeedEvent): Uint8Array;
}

/** What a package made of a commit: one gRPC frame with all events, and those of filters that let only some pass. */
interface Encoding {
  readonly whole: Buffer;
  /** The single events, as parts of `whole`. */
  readonly events: readonly Uint8Array[];
  readonly partial: Map<string, Buffer>;
}

/** One commit as the feed keeps it: decoded once, encoded once per package that has subscribers. */
export interface Frame {
  readonly storeId: string;
  readonly entry: LogEntry;
  /** Kinds of the events, known after the first decoding. */
  types: readonly EventType[] | undefined;
  readonly encodings: Map<EventEncoder, Encoding>;
  /** Bytes held, roughly. */
  weight: number;
}

/** How many different selections of one commit are kept encoded. */
const PARTIAL_KEPT = 64;
const FRAME_OVERHEAD = 512;

export function createFrame(storeId: string, entry: LogEntry): Frame {
  let weight = FRAME_OVERHEAD;
  for (const { body } of entry.events) weight += body.length;
  return { storeId, entry, types: undefined, encodings: new Map(), weight };
}

/** Kinds of the events of a commit. */
export function typesOf(frame: Frame): readonly EventType[] {
  frame.types ??= decode(frame).map((event) => event.type);
  return frame.types;
}

/** Encodes a commit for all of these packages with one decoding; what is there already stays. */
export function encodeFor(frame: Frame, encoders: Iterable<EventEncoder>): void {
  let decoded: readonly DomainEvent[] | undefined;
  for (const encoder of encoders) {
    if (frame.encodings.has(encoder)) continue;
    decoded ??= decode(frame);
    frame.types ??= decoded.map((event) => event.type);
    frame.encodings.set(encoder, encode(frame, decoded, encoder));
  }
}

/**
 * The frame with the events at these positions, or with all; undefined for none. The same positions give the same
 * bytes object.
 */
export function bytesOf(
  frame: Frame,
  encoder: EventEncoder,
  positions: readonly number[] | "all",
): Buffer | undefined {
  if (positions.length === 0) return undefined;
  encodeFor(frame, [encoder]);
  const encoding = frame.encodings.get(encoder);
  if (encoding === undefined || positions === "all") return encoding?.whole;
  return partOf(frame, encoding, positions);
}

function partOf(frame: Frame, { events, partial }: Encoding, positions: readonly number[]): Buffer {
  const key = positions.join(",");
  const known = partial.get(key);
  if (known !== undefined) return known;
  const selected = positions.map((at) => events[at]).filter((bytes) => bytes !== undefined);
  const { frame: part } = batchFrame(selected, cursorOf(frame), frame.entry.revision);
  if (partial.size < PARTIAL_KEPT) {
    partial.set(key, part);
    frame.weight += part.length;
  }
  return part;
}

function encode(frame: Frame, decoded: readonly DomainEvent[], encoder: EventEncoder): Encoding {
  const { revision, hash, events } = frame.entry;
  const encoded = decoded.map((event, index) =>
    encoder.encodeEvent({
      event,
      // The chain hash tells this history from one that was rolled back and went on differently.
      id: `${revision}-${index}-${hash.slice(0, 16)}`,
      worldSequence: events[index]?.worldSequence ?? 0,
    }),
  );
  const whole = batchFrame(encoded, cursorOf(frame), revision);
  frame.weight += whole.frame.length;
  return { whole: whole.frame, events: whole.events, partial: new Map() };
}

function decode({ entry }: Frame): readonly DomainEvent[] {
  return entry.events.map(({ body }) => fromStored<DomainEvent>(body));
}

function cursorOf({ storeId, entry }: Frame): Buffer {
  const { revision, hash } = entry;
  return Buffer.from(encodeCursor({ storeId, revision, hash }));
}
