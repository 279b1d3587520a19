import type { ApplyRecord } from "../../domain/activation/apply-record.ts";
import { missingNow } from "../../domain/activation/apply-steps.ts";
import { DomainError } from "../../domain/errors.ts";
import type { Store } from "../../ports/store.ts";
import { applyRunKey } from "../activation/commit-change.ts";
import { loadWorld, toLoadedWorld, worldQuery } from "../activation/world-view.ts";
import { stored } from "../shared/keys.ts";

/** An apply with whom it waits for. */
export interface ApplyStanding {
  readonly apply: ApplyRecord;
  readonly missing: readonly string[];
}

/** An apply under its run id, open or ended. */
export async function findApply(
  store: Store,
  worldId: string,
  runId: string,
): Promise<ApplyRecord | undefined> {
  return (await findStanding(store, worldId, runId))?.apply;
}

async function findStanding(
  store: Store,
  worldId: string,
  runId: string,
): Promise<ApplyStanding | undefined> {
  const { keys, collections } = worldQuery(worldId);
  const read = await store.read({ keys: [...keys, applyRunKey(worldId, runId)], collections });
  const { view } = toLoadedWorld(worldId, read);
  const { apply } = view;
  if (apply?.runId === runId) return { apply, missing: missingNow({ ...view, apply }) };
  const ended = stored<ApplyRecord>(read.docs.at(-1));
  return ended === undefined ? undefined : { apply: ended, missing: [] };
}

/**
 * @param runId empty = the world's latest.
 * @throws DomainError RUN_NOT_FOUND.
 */
export async function getApply(store: Store, worldId: string, runId: string): Promise<ApplyStanding> {
  const found = runId === "" ? await latest(store, worldId) : await findStanding(store, worldId, runId);
  if (found === undefined) throw applyNotFound(worldId, runId);
  return found;
}

async function latest(store: Store, worldId: string): Promise<ApplyStanding | undefined> {
  const { view } = await loadWorld(store, worldId);
  const { apply } = view;
  return apply === undefined ? undefined : { apply, missing: missingNow({ ...view, apply }) };
}

export function applyNotFound(worldId: string, runId: string): DomainError {
  const which = runId === "" ? "no apply" : `no apply ${runId}`;
  return new DomainError("RUN_NOT_FOUND", `world ${worldId} has had ${which}`, {
    metadata: { world_id: worldId, run_id: runId },
  });
}
