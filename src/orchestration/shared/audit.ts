import type { JsonObject } from "../../domain/json.ts";
import type { RunRecord } from "../../domain/runs/types.ts";
import type { AuditDraft } from "../../ports/store.ts";

/** What one line of the audit log says; stored as plain JSON. */
export interface AuditBody {
  readonly action: string;
  /** Full name of the call, as `worldservice.v1.AllocationService/UpsertAllocations`. */
  readonly rpc: string;
  readonly runId: string;
  readonly timeMs: number;
  readonly details: JsonObject;
}

const SERVICE_OF: Record<RunRecord["rpc"], string> = {
  ApplyRebalance: "RebalanceService",
  ExecuteRebalance: "RebalanceService",
  UpsertAllocations: "AllocationService",
};

/** Full name of the call that made a run. */
export function rpcOfRun({ rules, rpc }: Pick<RunRecord, "rules" | "rpc">): string {
  return `worldservice.${rules}.${SERVICE_OF[rpc]}/${rpc}`;
}

/** One line about a run; the empty world id is the book's own log. */
export function auditOfRun(run: RunRecord, worldId: string, action: string, details: JsonObject): AuditDraft {
  const body: AuditBody = { action, rpc: rpcOfRun(run), runId: run.runId, timeMs: run.createdAtMs, details };
  return { worldId, body: JSON.stringify(body) };
}
