/** A log in memory whose clock, outages and losses a test decides. Nothing but faults and time is made up here. */
import { DomainError } from "../../../../src/domain/errors.ts";
import { toStored } from "../../../../src/domain/stored-json.ts";
import type { EventLog, LogEntry } from "../../../../src/ports/event-log.ts";
import type { EventEncoder } from "../../../../src/rpc/feed/frame.ts";
import { decisions } from "../../../support/feed-server.ts";

export interface FaultyLog extends EventLog {
  append(count?: number, worldId?: string): void;
  /** Drops the newest commits and goes on from there with another history. */
  rollBack(toRevision: number): void;
  replaceStore(storeId: string): void;
  /** While it is on, every call rejects. */
  outage(isOn: boolean): void;
  readonly reads: number;
  readonly maxReadsAtOnce: number;
}

export function createFaultyLog(): FaultyLog {
  let entries: LogEntry[] = [];
  let floor = { revision: 0, hash: "" };
  let storeId = "store-1";
  let timeline = 0;
  let isDown = false;
  let reads = 0;
  let atOnce = 0;
  let maxReadsAtOnce = 0;
  const sleepers = new Set<() => void>();
  const head = () => {
    const last = entries.at(-1);
    return last === undefined ? floor : { revision: last.revision, hash: last.hash };
  };
  const check = () => {
    if (isDown) throw new DomainError("STORE_UNAVAILABLE", "down");
  };
  const wakeAll = () => {
    for (const wake of sleepers) wake();
  };
  return {
    get reads() {
      return reads;
    },
    get maxReadsAtOnce() {
      return maxReadsAtOnce;
    },
    append(count = 1, worldId = "w1") {
      for (let at = 0; at < count; at++) {
        const { revision, hash: previousHash } = head();
        const body = toStored(decisions(worldId, `${revision + 1}`));
        const hash = `${timeline}${(revision + 1).toString(16).padStart(39, "0")}`;
        entries.push({
          revision: revision + 1,
          hash,
          previousHash,
          events: [{ worldId, worldSequence: revision + 1, body }],
        });
      }
      wakeAll();
    },
    rollBack(toRevision) {
      entries = entries.filter(({ revision }) => revision <= toRevision);
      timeline++;
    },
    replaceStore(id) {
      storeId = id;
    },
    outage(isOn) {
      isDown = isOn;
      wakeAll();
    },
    async window() {
      check();
      return { storeId, head: head(), floor };
    },
    async readAfter(revision, limit) {
      check();
      reads++;
      maxReadsAtOnce = Math.max(maxReadsAtOnce, ++atOnce);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce--;
      if (revision < floor.revision) throw new DomainError("CURSOR_COMPACTED", "trimmed");
      return entries.filter((entry) => entry.revision > revision).slice(0, limit);
    },
    async hashAt(revision) {
      check();
      if (revision === floor.revision) return floor.hash;
      return entries.find((entry) => entry.revision === revision)?.hash;
    },
    waitAfter: (revision, signal) =>
      new Promise((resolve) => {
        const wake = () => {
          sleepers.delete(wake);
          resolve();
        };
        sleepers.add(wake);
        signal.addEventListener("abort", wake, { once: true });
        if (head().revision > revision || signal.aborted) wake();
      }),
    async trimTo(revision) {
      const last = entries.find((entry) => entry.revision === revision);
      if (last !== undefined) floor = { revision, hash: last.hash };
      entries = entries.filter((entry) => entry.revision > revision);
      return { storeId, head: head(), floor };
    },
  };
}

/** Writes the id of an event and counts how often it was asked. */
export function countingEncoder(): EventEncoder & { readonly encoded: string[] } {
  const encoded: string[] = [];
  return {
    encoded,
    encodeEvent({ id }) {
      encoded.push(id);
      return Buffer.from(id);
    },
  };
}
