import type { ApplyRecord } from "../../domain/activation/apply-record.ts";
import type { Decisions, WorldChange, WorldView } from "../../domain/activation/world-change.ts";
import { canonicalJson } from "../../domain/canonical-json.ts";
import type { JsonObject } from "../../domain/json.ts";
import { toStored } from "../../domain/stored-json.ts";
import type { Lease } from "../../ports/lock-manager.ts";
import type { AuditDraft, CommitOutcome, CommitRequest, DocKey, DocPut, Store } from "../../ports/store.ts";
import type { AuditBody } from "../shared/audit.ts";
import { sha256 } from "../shared/hashing.ts";
import { worldKey } from "../shared/keys.ts";
import type { Caller } from "./deps.ts";
import { eventsOf } from "./world-events.ts";
import type { LoadedWorld } from "./world-view.ts";

/** Why a change is made and by whom. */
export interface Cause {
  readonly caller: Caller;
  /** Empty where no run was named. */
  readonly runId: string;
  readonly nowMs: number;
  readonly action: string;
  readonly details: JsonObject;
}

/** One line of a world's audit log. */
export function auditLine(worldId: string, cause: Cause): AuditDraft {
  const { caller, action, runId, nowMs } = cause;
  const by: JsonObject = caller.principal === undefined ? {} : { principal: caller.principal };
  const body: AuditBody = {
    action,
    rpc: caller.rpc,
    runId,
    timeMs: nowMs,
    details: { ...cause.details, ...by },
  };
  return { worldId, body: JSON.stringify(body) };
}

/** The document of one apply under its run id, for ever. */
export function applyRunKey(worldId: string, runId: string): DocKey {
  return { kind: "apply", scope: worldId, id: runId };
}

/** What came of a commit, and how the world stands after it, if it took place. */
export interface CommittedChange {
  readonly outcome: CommitOutcome;
  readonly stateHash: string;
  /** The decisions it set, if it did. */
  readonly decisions: Decisions | undefined;
}

/**
 * One commit for one change of one world: documents, events with their hashes, audit. It takes place only if nothing
 * that the change rests on has changed, whoever holds the lock.
 */
export async function commitChange(
  store: Store,
  loaded: LoadedWorld,
  change: WorldChange,
  cause: Cause,
  lease: Lease | undefined,
): Promise<CommittedChange> {
  const { view } = loaded;
  const facts = { worldId: view.worldId, runId: cause.runId, timeMs: cause.nowMs };
  const decisions = decisionsAfter(view, change, cause);
  const { events, stateHash } = eventsOf(view, change, decisions?.etag ?? "", facts);
  const request: CommitRequest = {
    ...(lease === undefined ? {} : { lease }),
    expect: loaded.expect,
    ...docsOf(view, change, decisions),
    events: events.map((event) => ({ worldId: event.worldId, body: toStored(event) })),
    audit: [auditLine(view.worldId, cause)],
  };
  return { outcome: await store.commit(request), stateHash, decisions };
}

function decisionsAfter(view: WorldView, change: WorldChange, cause: Cause): Decisions | undefined {
  if (change.decisions === undefined) return undefined;
  const { runId, nowMs } = cause;
  const after = { strategies: change.decisions, runId, updatedAtMs: nowMs };
  const etag = sha256(canonicalJson({ ...after, before: view.decisions?.etag }));
  return { ...after, etag };
}

type Docs = Required<Pick<CommitRequest, "puts" | "deletes">>;

function docsOf(view: WorldView, change: WorldChange, decisions: Decisions | undefined): Docs {
  const { worldId } = view;
  const applyDocs = applyDocsOf(view, change.apply);
  return {
    puts: [
      ...put(worldKey("activation", worldId), change.activations),
      ...put(worldKey("decisions", worldId), decisions),
      ...applyDocs.puts,
    ],
    deletes: applyDocs.deletes,
  };
}

function put(key: DocKey, value: object | undefined): DocPut[] {
  return value === undefined ? [] : [{ key, body: toStored(value) }];
}

/** The newest apply of a world; every ended one under its run id; an entry for the reaper while it can go on by itself. */
function applyDocsOf(view: WorldView, after: ApplyRecord | undefined): Docs {
  if (after === undefined) return { puts: [], deletes: [] };
  const { worldId } = view;
  const open = worldKey("open_apply", worldId);
  const goesOn = canGoOn(after);
  return {
    puts: [
      ...put(worldKey("apply", worldId), after),
      ...put(applyRunKey(worldId, after.runId), after.ended ? after : undefined),
      ...put(open, goesOn ? { runId: after.runId } : undefined),
    ],
    deletes: goesOn ? [] : [open],
  };
}

/** False once it has ended, and while it waits for an operator. */
function canGoOn({ ended, stage }: ApplyRecord): boolean {
  return !ended && stage !== "STUCK_FROZEN";
}
