import { DomainError } from "../../domain/errors.ts";
import type { EventLog, LogEntry, LogWindow } from "../../ports/event-log.ts";
import { CODE } from "./codes.ts";
import { toSequences } from "./committing.ts";
import { toHead } from "./reading.ts";
import type { Session } from "./session.ts";
import type { TailWatch } from "./tail-watch.ts";

type StreamEntry = readonly [id: string, fields: readonly string[]];
type MetaReply = readonly (string | null)[];

const WINDOW_FIELDS = ["store_id", "revision", "hash", "floor", "floor_hash"];

export function redisLog({ keys, scripts, link }: Session, tail: TailWatch): EventLog {
  const logKeys = [keys.meta, keys.log];
  return {
    async window() {
      return toWindow((await link.call(["HMGET", keys.meta, ...WINDOW_FIELDS])) as MetaReply);
    },
    async readAfter(revision, limit) {
      const reply = await link.run(scripts["read-log-2"], logKeys, [String(revision), String(limit)]);
      const [code, answer] = reply as [1, StreamEntry[]] | [-7, string];
      if (code === CODE.COMPACTED) throw compacted(Number(answer));
      return answer.map(toLogEntry);
    },
    async hashAt(revision) {
      if (revision === 0) return "";
      const hash = await link.run(scripts["find-hash-2"], logKeys, [String(revision)]);
      return hash === null ? undefined : String(hash);
    },
    waitAfter: (revision, signal) => tail.waitAfter(revision, signal),
    async trimTo(revision) {
      return toWindow((await link.run(scripts["trim-log-2"], logKeys, [String(revision)])) as MetaReply);
    },
  };
}

function compacted(floor: number): DomainError {
  return new DomainError("CURSOR_COMPACTED", "the history before this point was trimmed; take a snapshot", {
    metadata: { earliest_revision: String(floor) },
  });
}

function toWindow([storeId, revision, hash, floor, floorHash]: MetaReply): LogWindow {
  const head = toHead([revision ?? null, hash ?? null]);
  return { storeId: storeId ?? "", head, floor: toHead([floor ?? null, floorHash ?? null]) };
}

/** Fields in the order in which the commit script writes them: h, p, s, e. */
function toLogEntry([
  id,
  [, hash = "", , previousHash = "", , joined = "", , payload = "[]"],
]: StreamEntry): LogEntry {
  const sequences = toSequences(joined);
  const pairs = JSON.parse(payload) as [worldId: string, body: string][];
  return {
    revision: Number(id.split("-")[0]),
    hash,
    previousHash,
    events: pairs.map(([worldId, body], i) => ({ worldId, worldSequence: sequences[i] ?? 0, body })),
  };
}
