/**
 * The six promises of the feed, each as a check of what subscribers captured against the log itself. A check gives
 * its violations as sentences, none when the promise was kept.
 */
import type { LogEntry } from "../../src/ports/event-log.ts";
import { decodeCursor } from "../../src/rpc/feed/cursor.ts";
import type { Seen, SeenEvent, StreamCapture } from "./feed-capture.ts";

/** All streams of one subscriber, in their order: each resumes where the one before ended. */
export interface Subscriber {
  readonly name: string;
  /** undefined = all. */
  readonly worlds?: ReadonlySet<string>;
  readonly streams: readonly StreamCapture[];
}

/** Every commit there ever was, oldest first, also those that were trimmed since. */
export type Truth = readonly LogEntry[];

export type Validator = (subscriber: Subscriber, truth: Truth) => string[];

type Batch = Extract<Seen, { kind: "batch" }>;

/** Revisions rise on a stream, and a world's events come in the order of their numbers. */
export const ordered: Validator = ({ name, streams }) =>
  streams.flatMap((stream) => {
    const faults: string[] = [];
    const worlds = new Map<string, number>();
    let last = 0;
    for (const { revision, events } of batchesOf(stream)) {
      if (revision <= last) faults.push(`${name}: revision ${revision} came after ${last}`);
      last = revision;
      for (const { worldId, worldSequence } of events) {
        const before = worlds.get(worldId) ?? 0;
        if (worldSequence <= before) faults.push(`${name}: ${worldId} ${worldSequence} came after ${before}`);
        worlds.set(worldId, worldSequence);
      }
    }
    return faults;
  });

/** No event comes twice, over all streams of a subscriber. */
export const unique: Validator = ({ name, streams }) => {
  const ids = new Set<string>();
  return eventsOf(streams).flatMap(({ id }) => {
    if (ids.has(id)) return [`${name}: event ${id} came twice`];
    ids.add(id);
    return [];
  });
};

/** The events of a commit that pass the filter come in one message, all of them and no others. */
export const atomic: Validator = (subscriber, truth) =>
  subscriber.streams.flatMap(batchesOf).flatMap(({ revision, events }) => {
    const wanted = passing(subscriber, truth[revision - 1]).map(
      ({ worldId, worldSequence }) => `${worldId} ${worldSequence}`,
    );
    const got = events.map(({ worldId, worldSequence }) => `${worldId} ${worldSequence}`);
    return wanted.join() === got.join()
      ? []
      : [`${subscriber.name}: revision ${revision} came as [${got}], not [${wanted}]`];
  });

/** No commit that passes is missing between two that came, nor between the start of a stream and its first. */
export const reliable: Validator = (subscriber, truth) =>
  subscriber.streams.flatMap((stream) => {
    const from = startOf(stream);
    const got = batchesOf(stream).map(({ revision }) => revision);
    const last = got.at(-1);
    if (from === undefined || last === undefined) return [];
    const wanted = passingRevisions(subscriber, truth, from, last);
    const missing = wanted.filter((revision) => !got.includes(revision));
    return missing.length === 0 ? [] : [`${subscriber.name}: ${missing} missing between ${from} and ${last}`];
  });

/** A stream that was resumed goes on with the very next commit that passes. */
export const resumable: Validator = (subscriber, truth) =>
  subscriber.streams.flatMap((stream) => {
    const [first] = batchesOf(stream);
    if (stream.afterCursor === "" || first === undefined) return [];
    const from = decodeCursor(stream.afterCursor).revision;
    const [next] = passingRevisions(subscriber, truth, from, truth.length);
    return first.revision === next
      ? []
      : [`${subscriber.name}: resumed after ${from} with ${first.revision}, not ${next}`];
  });

/** A bookmark never runs ahead of an event, never goes back, and its cursor is its revision's. */
export const bookmarkable: Validator = (subscriber, truth) =>
  subscriber.streams.flatMap((stream) => {
    const faults: string[] = [];
    const fault = (text: string) => faults.push(`${subscriber.name}: ${text}`);
    let sure = startOf(stream) ?? 0;
    for (const seen of stream.seen) {
      if (seen.kind === "topic") continue;
      const { revision } = seen;
      if (decodeCursor(seen.cursor).revision !== revision) fault(`the cursor of ${revision} is another's`);
      if (seen.kind === "bookmark") {
        if (revision < sure) fault(`bookmark ${revision} came after ${sure}`);
        const skipped = passingRevisions(subscriber, truth, sure, revision);
        if (skipped.length > 0) fault(`bookmark ${revision} ran ahead of ${skipped}`);
      } else if (seen.kind === "batch" && revision <= sure)
        fault(`${revision} came after a bookmark of ${sure}`);
      sure = Math.max(sure, revision);
    }
    return faults;
  });

export const VALIDATORS: Readonly<Record<string, Validator>> = {
  ordered,
  unique,
  atomic,
  reliable,
  resumable,
  bookmarkable,
};

/** Every violation of every promise by any subscriber, with the name of the promise. */
export function violations(subscribers: readonly Subscriber[], truth: Truth): string[] {
  return Object.entries(VALIDATORS).flatMap(([promise, validate]) =>
    subscribers.flatMap((subscriber) => validate(subscriber, truth).map((text) => `${promise}: ${text}`)),
  );
}

function batchesOf({ seen }: StreamCapture): Batch[] {
  return seen.filter((each) => each.kind === "batch");
}

function eventsOf(streams: readonly StreamCapture[]): SeenEvent[] {
  return streams.flatMap((stream) => batchesOf(stream).flatMap(({ events }) => events));
}

/** Behind which commit a stream began: its cursor, its snapshot, or its first bookmark where it had neither. */
function startOf({ afterCursor, seen }: StreamCapture): number | undefined {
  if (afterCursor !== "") return decodeCursor(afterCursor).revision;
  const first = seen.find((each) => each.kind !== "topic");
  return first === undefined || first.kind === "batch" ? undefined : first.revision;
}

function passing({ worlds }: Subscriber, entry: LogEntry | undefined) {
  return (entry?.events ?? []).filter(({ worldId }) => worlds === undefined || worlds.has(worldId));
}

function passingRevisions(subscriber: Subscriber, truth: Truth, after: number, upTo: number): number[] {
  return truth
    .slice(after, upTo)
    .filter((entry) => subscriber.worlds === undefined || passing(subscriber, entry).length > 0)
    .map(({ revision }) => revision);
}
