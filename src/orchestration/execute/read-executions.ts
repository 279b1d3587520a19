import { DomainError } from "../../domain/errors.ts";
import type { ExecutionStatus } from "../../domain/events/types.ts";
import type { Execution, ExecutionHeader } from "../../domain/orders/execution.ts";
import type { StoredRunRecord } from "../../domain/runs/types.ts";
import { fromStored } from "../../domain/stored-json.ts";
import type { Store } from "../../ports/store.ts";
import { runKey, stored } from "../shared/keys.ts";
import { executionKey, legsKey, storedExecution } from "./records.ts";

/** A run that was never to be executed has no execution. */
export interface FoundExecution {
  readonly runId: string;
  readonly execution: Execution | undefined;
}

/** @throws DomainError RUN_NOT_FOUND. */
export async function getExecution(store: Store, runId: string): Promise<FoundExecution> {
  const { docs } = await store.read({ keys: [runKey(runId), executionKey(runId), legsKey(runId)] });
  if (stored<StoredRunRecord>(docs[0]) === undefined) throw runNotFound(runId);
  return { runId, execution: storedExecution(docs[1], docs[2]) };
}

export function runNotFound(runId: string): DomainError {
  return new DomainError("RUN_NOT_FOUND", `no such run: ${runId}`, { metadata: { run_id: runId } });
}

export interface ExecutionPosition {
  readonly id: string;
  readonly created: number;
}

export interface ExecutionPage {
  readonly executions: readonly ExecutionHeader[];
  readonly next: ExecutionPosition | undefined;
}

/** A page of executions, newest first; only those of one of the statuses, where some are named. It may hold fewer. */
export async function listExecutions(
  store: Store,
  limit: number,
  after: ExecutionPosition | undefined,
  statuses: ReadonlySet<ExecutionStatus>,
): Promise<ExecutionPage> {
  const docs = await store.list({
    kind: "execution",
    scope: "",
    limit: limit + 1,
    ...(after === undefined ? {} : { after }),
  });
  const page = docs.slice(0, limit);
  const headers = page.map((doc) => fromStored<ExecutionHeader>(doc.body));
  const last = page.at(-1);
  return {
    executions: headers.filter(({ status }) => statuses.size === 0 || statuses.has(status)),
    next: docs.length > limit && last ? { id: last.key.id, created: last.created } : undefined,
  };
}
