import type {
  AuditEntry,
  CommitOutcome,
  CommitRequest,
  DocKey,
  ListQuery,
  ReadQuery,
  ReadResult,
  Store,
  StoreInfo,
} from "../../ports/store.ts";
import type { Argument } from "./client.ts";
import { CODE } from "./codes.ts";
import { type CommitReply, type EncodedCommit, encodeCommit, packCommit, toOutcome } from "./committing.ts";
import { type CollectionIndex, keyTable } from "./keys.ts";
import type { RedisLocks } from "./locks.ts";
import { pack } from "./message-pack.ts";
import { encodeQuery, type QueryReply, toDoc, toDocs, toReadResult } from "./reading.ts";
import type { Session } from "./session.ts";
import { turnBatch } from "./turn-batch.ts";
import { storeUnavailable } from "./unavailable.ts";

/** A script call closes with the commit that brings it to so much text, in UTF-16 units, or so many commits. */
const COMMIT_BATCH = { weight: 1_000_000, size: 21 };
const READ_BATCH_SIZE = 64;

export interface RedisStoreOptions {
  readonly session: Session;
  readonly locks: RedisLocks;
  readonly info: StoreInfo;
  /** Tells the waiting feeds of this process at once. */
  onCommitted(revision: number): void;
  /** Runs once what was asked for has been sent. */
  close(): Promise<void>;
}

export function redisStore({ session, locks, info, onCommitted, close }: RedisStoreOptions): Store {
  const { keys, scripts, link } = session;
  const commits = commitBatch(session);
  const reads = readBatch(session);

  return {
    info,
    read: (query) => reads.ask(query),
    async list(query) {
      const { docs, index } = keys.collection(query.kind, query.scope);
      if (index === undefined) throw new TypeError(`documents of kind ${query.kind} are not listed`);
      const reply = await link.run(scripts["list-docs-2"], [docs, index.key], listArguments(index, query));
      return toDocs(query, reply as string[]);
    },
    async findRun(runId) {
      const key: DocKey = { kind: "run", scope: "", id: runId };
      const runKeys = [keys.claims, keys.collection("run", "").docs];
      const reply = await link.run(scripts["find-run-2"], runKeys, [runId]);
      const [fingerprint, stored] = reply as [string | null, string | null];
      const run = toDoc(key, stored);
      return fingerprint !== null && run ? { fingerprint, run } : undefined;
    },
    async commit(request) {
      const outcome = await commits.ask(encodeCommit(request));
      if (outcome.kind === "committed") onCommitted(outcome.revision);
      tellLease(locks, request, outcome);
      return outcome;
    },
    async listAudit({ worldId, limit, after }) {
      const from = after ? `(${after.revision}-${after.index}` : "-";
      const reply = await link.call(["XRANGE", keys.audit(worldId), from, "+", "COUNT", String(limit)]);
      return (reply as [string, string[]][]).map((entry) => toAuditEntry(worldId, entry));
    },
    async close() {
      await Promise.all([commits.sent(), reads.sent()]);
      await close();
    },
  };
}

function commitBatch(session: Session) {
  const { keys, scripts } = session;
  const fixed = [
    keys.meta,
    keys.log,
    keys.claims,
    keys.sequences,
    keys.holders,
    keys.collection("run", "").docs,
    keys.budgets,
  ];
  return turnBatch<EncodedCommit, CommitOutcome>({
    maxWeight: COMMIT_BATCH.weight,
    weigh: ({ weight }) => weight + COMMIT_BATCH.weight / COMMIT_BATCH.size,
    async send(commits) {
      const table = keyTable(fixed);
      const packed = commits.map((commit) => packCommit(table, keys, commit));
      const args = [session.storeId(), session.waitFor ? "1" : "0", pack([table.indexes, packed])];
      const replies = await runCommits(session, table.keys, args);
      if (replies[0] === CODE.STORE_CHANGED) throw bookChanged(session);
      return commits.map((commit, i) => toOutcome(commit, replies[i] as CommitReply));
    },
  });

  function runCommits(
    { commitLink, waitFor }: Session,
    tableKeys: readonly string[],
    args: readonly Argument[],
  ) {
    const script = scripts["append-commits-n"];
    return waitFor
      ? commitLink.runReplicated(script, tableKeys, args, waitFor).then(([replies, count]) => {
          if (count < waitFor.replicas) throw unconfirmed(count, waitFor.replicas);
          return replies as unknown[];
        })
      : (commitLink.run(script, tableKeys, args) as Promise<unknown[]>);
  }
}

function unconfirmed(count: number, wanted: number) {
  return storeUnavailable(
    `committed, but durability is unconfirmed (${count} of ${wanted} replicas answered): repeat the same run id`,
  );
}

/** The next connection will ask for the new store id; whoever holds cursors finds out through it. */
function bookChanged({ link, commitLink }: Session) {
  const reason = "the book was restored or removed meanwhile";
  link.renew(reason);
  commitLink.renew(reason);
  return storeUnavailable(reason);
}

function readBatch({ keys, scripts, link }: Session) {
  return turnBatch<ReadQuery, ReadResult>({
    maxWeight: READ_BATCH_SIZE,
    weigh: () => 1,
    async send(queries) {
      const table = keyTable([keys.meta]);
      const args = [pack(queries.map((query) => encodeQuery(table, keys, query)))];
      const reply = await link.run(scripts["read-docs-n"], table.keys, args);
      const [revision, hash, answers] = reply as [string | null, string | null, QueryReply[]];
      return queries.map((query, i) =>
        toReadResult(query, [revision, hash], answers[i] ?? [[], [], null, []]),
      );
    },
  });
}

/** A lease that the commit gave back, or that turned out to be taken over, needs no more renewal. */
function tellLease(locks: RedisLocks, { lease, release }: CommitRequest, outcome: CommitOutcome): void {
  const own = lease && locks.ownLease(lease);
  if (!own) return;
  if (outcome.kind === "fenced") own.lose();
  else if (release && (outcome.kind === "committed" || outcome.kind === "replayed")) own.settle();
}

function listArguments({ order }: CollectionIndex, { limit, after }: ListQuery): string[] {
  return [order, String(limit), after ? "1" : "0", after?.id ?? "", String(after?.created ?? 0)];
}

function toAuditEntry(worldId: string, [id, fields]: [string, string[]]): AuditEntry {
  const [revision, index] = id.split("-");
  return { worldId, revision: Number(revision), index: Number(index), body: fields[1] ?? "" };
}
