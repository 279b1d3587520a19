import {
  type DataEvidence,
  decideEffectiveMode,
  decisionEtag,
  type ModeDecision,
  type ModeMemory,
} from "../../domain/decision/effective-mode.ts";
import { pickHistory } from "../../domain/decision/history.ts";
import type { WorldFacts } from "../../domain/events/types.ts";
import { toStored } from "../../domain/stored-json.ts";
import type { Lease } from "../../ports/lock-manager.ts";
import type { Doc, Store } from "../../ports/store.ts";
import { auditLine } from "../activation/commit-change.ts";
import type { Caller } from "../activation/deps.ts";
import { NO_POLICIES, type PolicyHead, policyHeadKey } from "../policies/policy-docs.ts";
import { effectOf } from "../shared/commit-outcome.ts";
import type { CallOptions, WriteDeps } from "../shared/deps.ts";
import { sha256 } from "../shared/hashing.ts";
import { stored, worldKey } from "../shared/keys.ts";
import { registryKey, worldNotFound } from "../shared/known-worlds.ts";
import { type HistoryEntry, type HistoryIndex, historyIndexKey, historyKey } from "./history-docs.ts";

/** Which world, and by which state of its history. */
export interface DecideCall {
  readonly worldId: string;
  /** Milliseconds since 1970; undefined = the newest history there is. */
  readonly asOfMs: number | undefined;
  readonly caller: Caller;
}

/** In which mode a world may run now. */
export interface WorldDecision extends ModeDecision {
  readonly policyVersion: number;
  /** The time that the history entry speaks of; undefined where there was none. */
  readonly asOfMs: number | undefined;
  readonly etag: string;
  readonly decidedAtMs: number;
}

/** Everything a decision rests on. */
interface Grounds {
  readonly world: WorldFacts;
  readonly bindings: readonly string[];
  readonly decisions: readonly string[];
  readonly policyVersion: number;
  readonly memory: ModeMemory | undefined;
  readonly entry: HistoryEntry | undefined;
}

/**
 * Decides in which mode a world may run now. What is remembered of the last decision is in the store, so that every
 * replica decides alike; it is written only when it changes, and only then is the world locked.
 *
 * @throws DomainError WORLD_NOT_FOUND, LOCK_TIMEOUT, LOCK_LOST, STORE_UNAVAILABLE.
 */
export async function decide(
  deps: WriteDeps,
  call: DecideCall,
  options: CallOptions,
): Promise<WorldDecision> {
  const grounds = await readGrounds(deps.store, call);
  const decision = decideBy(grounds, deps.clock.now());
  if (isRemembered(grounds.memory, decision.memory)) return decision;
  const { lease } = await deps.locks.acquire([call.worldId], options);
  try {
    return await decideUnder(deps, lease, call);
  } finally {
    await lease.release();
  }
}

async function decideUnder(deps: WriteDeps, lease: Lease, call: DecideCall): Promise<WorldDecision> {
  const grounds = await readGrounds(deps.store, call);
  const decision = decideBy(grounds, deps.clock.now());
  if (isRemembered(grounds.memory, decision.memory)) return decision;
  const { worldId, caller } = call;
  const cause = {
    caller,
    action: "effective_mode_decided",
    runId: "",
    nowMs: decision.decidedAtMs,
    details: { mode: decision.mode, reason: decision.reason },
  };
  const outcome = await deps.store.commit({
    lease,
    puts: [{ key: worldKey("effective_mode", worldId), body: toStored(decision.memory) }],
    audit: [auditLine(worldId, cause)],
    release: true,
  });
  effectOf(outcome, "");
  return decision;
}

function isRemembered(before: ModeMemory | undefined, after: ModeMemory): boolean {
  return before?.mode === after.mode && before.datasetFingerprint === after.datasetFingerprint;
}

interface StrategyList {
  readonly strategies: readonly string[];
}

function strategiesOf(doc: Doc | undefined): readonly string[] {
  return stored<StrategyList>(doc)?.strategies ?? [];
}

async function readGrounds(store: Store, { worldId, asOfMs }: DecideCall): Promise<Grounds> {
  const { docs } = await store.read({
    keys: [
      registryKey(worldId),
      worldKey("bindings", worldId),
      worldKey("decisions", worldId),
      policyHeadKey(worldId),
      worldKey("effective_mode", worldId),
      historyIndexKey(worldId),
    ],
  });
  const [registry, bindings, decisions, head, memory, index] = docs;
  return {
    world: registered(worldId, registry),
    bindings: strategiesOf(bindings),
    decisions: strategiesOf(decisions),
    policyVersion: (stored<PolicyHead>(head) ?? NO_POLICIES).defaultVersion,
    memory: stored<ModeMemory>(memory),
    entry: await readEntry(store, worldId, index, asOfMs),
  };
}

function registered(worldId: string, doc: Doc | undefined): WorldFacts {
  const world = stored<WorldFacts>(doc);
  if (world === undefined || world.state === "DELETED") throw worldNotFound(worldId);
  return world;
}

async function readEntry(
  store: Store,
  worldId: string,
  index: Doc | undefined,
  asOfMs: number | undefined,
): Promise<HistoryEntry | undefined> {
  const entries = stored<HistoryIndex>(index)?.entries ?? [];
  const picked = pickHistory(entries, asOfMs);
  if (picked === undefined) return undefined;
  const { docs } = await store.read({ keys: [historyKey(worldId, picked.id)] });
  return stored<HistoryEntry>(docs[0]);
}

function decideBy(grounds: Grounds, nowMs: number): WorldDecision {
  const { world, bindings, decisions, policyVersion, memory, entry } = grounds;
  const evidence = entry && evidenceOf(entry);
  const allowLive = mayGoLive(world);
  const decision = decideEffectiveMode({ bindings, decisions, allowLive, evidence, memory });
  const asOfMs = entry && (entry.asOfMs ?? entry.recordedAtMs);
  const etag = etagOf(grounds, decision, asOfMs, nowMs);
  return { ...decision, policyVersion, asOfMs, etag, decidedAtMs: nowMs };
}

/** Ends in a digest of the outcome, so that it also tells decisions of one second apart. */
function etagOf(
  { world, policyVersion, entry }: Grounds,
  { mode, reason }: ModeDecision,
  asOfMs: number | undefined,
  nowMs: number,
): string {
  const grounds = decisionEtag({
    worldId: world.worldId,
    policyVersion,
    datasetFingerprint: entry?.datasetFingerprint,
    asOf: isoOf(asOfMs),
    updatedAt: isoOf(entry?.recordedAtMs),
    epochSeconds: Math.floor(nowMs / 1000),
  });
  return `${grounds}:${sha256(`${mode}|${reason}`).slice(-8)}`;
}

/** A suspended world, and one whose circuit breaker is open, may not run live whatever it allows otherwise. */
function mayGoLive({ allowLive, state, circuitBreaker }: WorldFacts): boolean {
  return allowLive && state === "ACTIVE" && !circuitBreaker;
}

function isoOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

function evidenceOf(entry: HistoryEntry): DataEvidence {
  const { datasetFingerprint, coverageStartMs, coverageEndMs, conformanceFlags, rows } = entry;
  const coverageBounds = [coverageStartMs, coverageEndMs].filter((bound) => bound !== undefined);
  return { datasetFingerprint, coverageBounds, conformanceFlags, rows };
}
