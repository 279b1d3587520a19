import { DomainError } from "../../domain/errors.ts";
import type { ExecutionHeader } from "../../domain/orders/execution.ts";
import type { AllocationRun, AppliedRun, StoredRunRecord } from "../../domain/runs/types.ts";
import type { Allocation } from "../../domain/state/world-state.ts";
import { fromStored } from "../../domain/stored-json.ts";
import type { AuditEntry, AuditQuery, Doc, Store } from "../../ports/store.ts";
import { executionKey } from "../execute/records.ts";
import type { AuditBody } from "../shared/audit.ts";
import { runKey, stored, worldKey } from "../shared/keys.ts";

/** A stored run with the revision of its commit. */
export interface RunAt<R> {
  readonly run: R;
  readonly revision: number;
}

/** Where a page of runs ended. */
export interface RunPosition {
  readonly id: string;
  readonly created: number;
}

export interface RunPage {
  readonly runs: readonly RunAt<AppliedRun>[];
  readonly next: RunPosition | undefined;
}

async function findRun(store: Store, runId: string): Promise<RunAt<StoredRunRecord> | undefined> {
  const [doc, header] = (await store.read({ keys: [runKey(runId), executionKey(runId)] })).docs;
  return doc === undefined
    ? undefined
    : { run: withExecution(fromStored(doc.body), header), revision: doc.created };
}

/** A run is written once; how far its execution has come stands in the execution's own record. */
function withExecution<R extends StoredRunRecord>(run: R, header: Doc | undefined): R {
  const execution = stored<ExecutionHeader>(header);
  if (execution === undefined) return run;
  const stage = run.rpc === "UpsertAllocations" ? { stage: "EXECUTE" } : {};
  return { ...run, ...stage, executionStatus: execution.status };
}

function runNotFound(runId: string): DomainError {
  return new DomainError("RUN_NOT_FOUND", `no such run: ${runId}`, { metadata: { run_id: runId } });
}

/** @throws DomainError RUN_NOT_FOUND for anything but a run of ApplyRebalance. */
export async function getAppliedRun(store: Store, runId: string): Promise<RunAt<AppliedRun>> {
  const found = await findRun(store, runId);
  if (found?.run.rpc !== "ApplyRebalance") throw runNotFound(runId);
  return { run: found.run, revision: found.revision };
}

/** @throws DomainError RUN_NOT_FOUND for anything but a run of UpsertAllocations. */
export async function getAllocationRun(store: Store, runId: string): Promise<RunAt<AllocationRun>> {
  const found = await findRun(store, runId);
  if (found?.run.rpc !== "UpsertAllocations") throw runNotFound(runId);
  return { run: found.run, revision: found.revision };
}

/** Applied runs, newest first. */
export async function listAppliedRuns(
  store: Store,
  limit: number,
  after: RunPosition | undefined,
): Promise<RunPage> {
  const entries = await store.list({
    kind: "applied_run",
    scope: "",
    limit: limit + 1,
    ...(after === undefined ? {} : { after }),
  });
  const page = entries.slice(0, limit);
  const ids = page.map((entry) => entry.key.id);
  const { docs } = await store.read({ keys: [...ids.map(runKey), ...ids.map(executionKey)] });
  const runs = docs.slice(0, ids.length).flatMap((doc, i) => {
    if (doc === undefined) return [];
    const run = withExecution(fromStored<AppliedRun>(doc.body), docs[ids.length + i]);
    return [{ run, revision: doc.created }];
  });
  const last = page.at(-1);
  const next =
    entries.length > limit && last !== undefined ? { id: last.key.id, created: last.created } : undefined;
  return { runs, next };
}

/**
 * Current allocations: of the named worlds, in their order, or of all, sorted by world.
 *
 * @throws DomainError ALLOCATION_NOT_FOUND when a named world has none.
 */
export async function getAllocations(store: Store, worldIds: readonly string[]): Promise<Allocation[]> {
  if (worldIds.length === 0) {
    const { collections } = await store.read({ keys: [], collections: [{ kind: "allocation", scope: "" }] });
    return (collections[0] ?? []).map((doc) => fromStored(doc.body));
  }
  const { docs } = await store.read({ keys: worldIds.map((id) => worldKey("allocation", id)) });
  return docs.map((doc, i) => {
    const allocation = stored<Allocation>(doc);
    if (allocation !== undefined) return allocation;
    const worldId = worldIds[i] ?? "";
    throw new DomainError("ALLOCATION_NOT_FOUND", `world ${worldId} has no allocation`, {
      metadata: { world_id: worldId },
    });
  });
}

/** A page of a world's audit log, in commit order; the empty world id is the book's own log. */
export async function listAudit(
  store: Store,
  query: AuditQuery,
): Promise<readonly (AuditEntry & { parsed: AuditBody })[]> {
  const entries = await store.listAudit(query);
  return entries.map((entry) => ({ ...entry, parsed: JSON.parse(entry.body) as AuditBody }));
}
