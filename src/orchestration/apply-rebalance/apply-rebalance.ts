import type { Gates } from "../../domain/rebalance/negotiation.ts";
import type { AppliedRun, StoredRunRecord } from "../../domain/runs/types.ts";
import { toStored } from "../../domain/stored-json.ts";
import { compareUtf8 } from "../../domain/text.ts";
import type { Acquired } from "../../ports/lock-manager.ts";
import type { CommitRequest, Doc } from "../../ports/store.ts";
import { figuresOfPlan, markerKeysOf, marksOf } from "../alpha-metrics/plan-figures.ts";
import { planRebalanceCall, type RebalanceCall } from "../plan-rebalance/plan-rebalance.ts";
import { auditOfRun } from "../shared/audit.ts";
import { effectOf, runIdReused } from "../shared/commit-outcome.ts";
import type { CallOptions, WriteDeps } from "../shared/deps.ts";
import { requestHash } from "../shared/hashing.ts";
import { appliedRunKey, runKey, stored } from "../shared/keys.ts";
import { plannedWorlds, rebalancingPlannedEvents } from "../shared/planned-events.ts";
import { stagesOf } from "../shared/stages.ts";
import { assertWorldsOpen, gateExpectations, gateKeys } from "../shared/world-gates.ts";

/** What became of an ApplyRebalance call. */
export interface AppliedOutcome {
  readonly run: AppliedRun;
  readonly replayed: boolean;
}

/**
 * Fixes an approved plan: recorded, audited and published as one event per world, in one commit. The plan depends on
 * the request alone, so it is computed first and the worlds to lock are known from it; only its figures are read under
 * the locks.
 *
 * @throws DomainError those of planning; RUN_ID_REUSED, WORLD_NOT_FOUND, WORLD_SUSPENDED, CIRCUIT_BREAKER_OPEN,
 *   WORLD_FROZEN, LOCK_TIMEOUT, LOCK_LOST, STORE_UNAVAILABLE.
 */
export async function applyRebalance(
  deps: WriteDeps,
  runId: string,
  call: RebalanceCall,
  options: CallOptions,
): Promise<AppliedOutcome> {
  const run = fix(deps.gates, runId, call, deps.clock.now());
  const worlds = lockedWorlds(run);
  if (worlds.length === 0) return save(deps, run, undefined);
  const atStage = stagesOf(deps, options);
  const acquired = await atStage("acquire", () =>
    deps.locks.acquire(worlds, {
      ...options,
      read: { keys: [runKey(runId), ...markerKeysOf(run.negotiated, worlds), ...gateKeys(worlds)] },
    }),
  );
  try {
    return await atStage("compute_and_save", () => save(deps, run, acquired));
  } finally {
    await acquired.lease.release();
  }
}

/** A plan over nothing names no world and needs no lock: its run id is all there is to guard. */
function lockedWorlds(run: AppliedRun): string[] {
  return [...new Set([...plannedWorlds(run), ...run.input.worldAfter.keys()])].sort(compareUtf8);
}

function fix(gates: Gates, runId: string, call: RebalanceCall, nowMs: number): AppliedRun {
  const { negotiated, plan, series } = planRebalanceCall(gates, call);
  const etag = rebalanceEtag(call);
  return {
    runId,
    rpc: "ApplyRebalance",
    rules: call.rules,
    fingerprint: `${call.rules}.ApplyRebalance:${etag}`,
    etag,
    requestedVersion: call.requestedVersion,
    negotiated,
    input: call.input,
    mode: call.mode,
    positionSource: call.positionSource,
    constraints: call.constraints,
    intent: negotiated.schemaVersion === 2 ? call.intent : undefined,
    plan,
    alphaSeries: series,
    alphaMetrics: undefined,
    executionStatus: "NOT_REQUESTED",
    createdAtMs: nowMs,
  };
}

/** Hash of a rebalance request: the same for every RPC that carries it. */
export function rebalanceEtag(call: RebalanceCall): string {
  const { requestedVersion, mode, intent, positionSource, constraints } = call;
  const { positions, ...input } = call.input;
  const parts = { requestedVersion, mode, intent, positionSource, constraints, ...input };
  return requestHash(parts, positions, call.alphaSeries);
}

async function save(
  deps: WriteDeps,
  planned: AppliedRun,
  acquired: Acquired | undefined,
): Promise<AppliedOutcome> {
  const earlier = sameRun(planned, acquired?.context.docs[0]);
  if (earlier !== undefined) return { run: earlier, replayed: true };
  const gates = gatesOf(planned, acquired);
  assertWorldsOpen(gates.worlds, gates.docs);
  const run = await withFigures(deps, planned, acquired);
  const effect = effectOf(await deps.store.commit(commitOf(run, acquired)), run.runId);
  const before = effect.kind === "replayed" ? stored<AppliedRun>(effect.run) : undefined;
  return { run: before ?? run, replayed: before !== undefined };
}

/** The worlds under lock and the documents that tell whether they accept changes. */
function gatesOf(run: AppliedRun, acquired: Acquired | undefined) {
  const worlds = lockedWorlds(run);
  const count = gateKeys(worlds).length;
  return { worlds, docs: acquired === undefined || count === 0 ? [] : acquired.context.docs.slice(-count) };
}

/** A plan over nothing has no figures to read, and no lock. */
async function withFigures(
  { alpha }: WriteDeps,
  run: AppliedRun,
  acquired: Acquired | undefined,
): Promise<AppliedRun> {
  const marks = marksOf(lockedWorlds(run), acquired?.context.docs.slice(1) ?? []);
  return { ...run, alphaMetrics: await figuresOfPlan(alpha, { ...run, series: run.alphaSeries, marks }) };
}

function sameRun(run: AppliedRun, doc: Doc | undefined): AppliedRun | undefined {
  const earlier = stored<StoredRunRecord>(doc);
  if (earlier === undefined) return undefined;
  if (earlier.rpc !== "ApplyRebalance" || earlier.fingerprint !== run.fingerprint)
    throw runIdReused(run.runId);
  return earlier;
}

function commitOf(run: AppliedRun, acquired: Acquired | undefined): CommitRequest {
  const events = rebalancingPlannedEvents(run);
  const gates = gatesOf(run, acquired);
  return {
    ...(acquired === undefined ? {} : { lease: acquired.lease }),
    claim: { runId: run.runId, fingerprint: run.fingerprint },
    expect: gateExpectations(gates.worlds, gates.docs),
    puts: [
      { key: runKey(run.runId), body: toStored(run) },
      { key: appliedRunKey(run.runId), body: "{}" },
    ],
    events: events.map((event) => ({ worldId: event.worldId, body: toStored(event) })),
    audit: [
      ...events.map(({ worldId }) => auditOfRun(run, worldId, "rebalancing_planned", { etag: run.etag })),
      auditOfRun(run, "", "rebalancing_planned_global", { etag: run.etag, worlds: plannedWorlds(run) }),
    ],
    release: true,
  };
}
