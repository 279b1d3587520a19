import { DomainError } from "../../domain/errors.ts";
import type { CommitOutcome, Doc, DocKey } from "../../ports/store.ts";

/** A commit that took effect, now or when the same run was committed before. */
export type Effect =
  | Extract<CommitOutcome, { kind: "committed" }>
  | { readonly kind: "replayed"; readonly run: Doc | undefined };

/**
 * Turns the refusals of a commit into errors.
 *
 * @throws DomainError RUN_ID_REUSED, LOCK_LOST, ETAG_MISMATCH or ALLOCATION_SUM_EXCEEDED. Nothing was changed.
 */
export function effectOf(outcome: CommitOutcome, runId: string): Effect {
  switch (outcome.kind) {
    case "run_reused":
      throw runIdReused(runId);
    case "fenced":
      throw new DomainError(
        "LOCK_LOST",
        "the lock ran out or was lost with its store; send the same call again",
        {
          metadata: { world_id: outcome.worldId },
          retryAfterMs: 100,
        },
      );
    case "stale":
      throw staleRefusal(outcome.key);
    case "over_budget":
      throw sumExceeded(outcome.total);
    default:
      return outcome;
  }
}

/** Documents that change without the world's lock: a freeze waits for nobody. */
const WORLD_KINDS: ReadonlySet<string> = new Set(["world", "activation"]);

function staleRefusal({ kind, id }: DocKey): DomainError {
  const metadata = { world_id: id, kind };
  if (!WORLD_KINDS.has(kind))
    return new DomainError("ETAG_MISMATCH", "the document changed since it was read", { metadata });
  const text = `world ${id} changed under its lock; send the same call again`;
  return new DomainError("LOCK_LOST", text, { metadata, retryAfterMs: 100 });
}

export function runIdReused(runId: string): DomainError {
  return new DomainError("RUN_ID_REUSED", "the run id belongs to another request; take a new one", {
    metadata: { run_id: runId },
  });
}

/** Allocations are budgeted in these many units for a share of 1, so that sums are exact integers. */
export const BUDGET_UNITS = 1e12;

function sumExceeded(totalUnits: number): DomainError {
  const sum = totalUnits / BUDGET_UNITS;
  const description = `the book's allocations would sum to ${sum}, above 1`;
  return new DomainError("ALLOCATION_SUM_EXCEEDED", description, {
    metadata: { sum: String(sum) },
    violations: [{ field: "world_allocations", description }],
  });
}
