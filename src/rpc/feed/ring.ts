import type { Head } from "../../ports/store.ts";
import type { Frame } from "./frame.ts";

/** The newest commits, without gap, bounded in events and bytes; the newest one is always there. */
export interface Ring {
  /** The newest commit that was pushed, or where the ring began. */
  head(): Head;
  /** The revision behind which the ring has everything up to its head. */
  floor(): number;
  /** Undefined for commits that are not in the ring. */
  at(revision: number): Frame | undefined;
  /** Takes the commit right behind the head and drops the oldest ones that are too many. */
  push(frame: Frame): void;
  /** Frames grow while they are in the ring (more packages, more filters): counts again and drops what is too much. */
  reweigh(): void;
  /** Empties the ring; it goes on behind this commit. */
  reset(head: Head): void;
}

interface Place {
  readonly frame: Frame;
  /** The weight it was counted with. */
  weight: number;
}

/** Taken from the array's front in blocks: a shift per commit would move all others every time. */
const COMPACT_AT = 1_024;

export function createRing(limits: { readonly maxEvents: number; readonly maxBytes: number }): Ring {
  let head: Head = { revision: 0, hash: "" };
  let places: (Place | undefined)[] = [];
  let first = 0;
  let events = 0;
  let bytes = 0;

  function drop(): void {
    while ((events > limits.maxEvents || bytes > limits.maxBytes) && first < places.length - 1) {
      const place = places[first];
      places[first++] = undefined;
      if (place === undefined) continue;
      events -= slots(place.frame);
      bytes -= place.weight;
    }
    if (first < COMPACT_AT) return;
    places = places.slice(first);
    first = 0;
  }

  return {
    head: () => head,
    floor: () => head.revision - (places.length - first),
    at: (revision) => places[places.length - 1 - (head.revision - revision)]?.frame,
    push(frame) {
      const { weight } = frame;
      places.push({ frame, weight });
      events += slots(frame);
      bytes += weight;
      head = { revision: frame.entry.revision, hash: frame.entry.hash };
      drop();
    },
    reweigh() {
      for (const place of places) {
        if (place === undefined) continue;
        bytes += place.frame.weight - place.weight;
        place.weight = place.frame.weight;
      }
      drop();
    },
    reset(next) {
      head = next;
      places = [];
      first = 0;
      events = 0;
      bytes = 0;
    },
  };
}

/** A commit without events takes a place too. */
function slots(frame: Frame): number {
  return Math.max(1, frame.entry.events.length);
}
