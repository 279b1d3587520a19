import { awaitsAcks } from "../../domain/activation/apply-record.ts";
import { missingNow } from "../../domain/activation/apply-steps.ts";
import type { WorldView } from "../../domain/activation/world-change.ts";
import { DomainError, invalidFields } from "../../domain/errors.ts";
import { toStored } from "../../domain/stored-json.ts";
import { existsGate, pass } from "../../domain/worlds/switches.ts";
import type { DocKey, ReadResult } from "../../ports/store.ts";
import { applyRunKey, auditLine } from "./commit-change.ts";
import type { Caller, WorldDeps } from "./deps.ts";
import { type AckDoc, toLoadedWorld, worldQuery } from "./world-view.ts";

/** That a subscriber has put into force every activation event up to a sequence. */
export interface AckCall {
  readonly worldId: string;
  readonly subscriber: string;
  readonly sequence: number;
  /** Empty = not named. */
  readonly runId: string;
  readonly caller: Caller;
}

export interface AckOutcome {
  readonly acknowledged: number;
  readonly latest: number;
}

/** How often an acknowledgement is tried again because the same subscriber sent another at the same time. */
const MOST_ATTEMPTS = 100;

/**
 * Records an acknowledgement. It needs no lock: it only ever raises the number of its own subscriber.
 *
 * @throws DomainError INVALID_FIELD for a sequence from the future, WORLD_NOT_FOUND, RUN_NOT_FOUND, STORE_UNAVAILABLE.
 */
export async function acknowledge(deps: WorldDeps, call: AckCall): Promise<AckOutcome> {
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    const outcome = await tryOnce(deps, call);
    if (outcome !== undefined) return outcome;
  }
  throw new DomainError("STORE_UNAVAILABLE", "too many acknowledgements at once", { retryAfterMs: 100 });
}

async function tryOnce(deps: WorldDeps, call: AckCall): Promise<AckOutcome | undefined> {
  const read = await readWorld(deps, call);
  const { view } = toLoadedWorld(call.worldId, read);
  assertAckable(view, call, read);
  const latest = view.activations.sequence;
  const before = view.acks.get(call.subscriber) ?? 0;
  if (call.sequence <= before) return { acknowledged: before, latest };
  if (!(await save(deps, call, read))) return undefined;
  nudgeIfAwaited(deps, view, call);
  return { acknowledged: call.sequence, latest };
}

function ackKey({ worldId, subscriber }: AckCall): DocKey {
  return { kind: "ack", scope: worldId, id: subscriber };
}

function readWorld(deps: WorldDeps, call: AckCall): Promise<ReadResult> {
  const { keys, collections } = worldQuery(call.worldId);
  return deps.store.read({
    keys: [...keys, ackKey(call), applyRunKey(call.worldId, call.runId)],
    collections,
  });
}

function assertAckable(view: WorldView, call: AckCall, read: ReadResult): void {
  pass(existsGate, call.worldId, view.switches);
  const isKnown = call.runId === "" || read.docs.at(-1) !== undefined || namesRun(view, call.runId);
  if (!isKnown) throw runNotFound(call);
  const { sequence } = view.activations;
  if (call.sequence <= sequence) return;
  throw invalidFields(
    [{ field: "sequence", description: `has not been issued; the newest is ${sequence}` }],
    { latest_sequence: String(sequence) },
  );
}

function namesRun({ apply, activations }: WorldView, runId: string): boolean {
  return apply?.runId === runId || activations.recentRuns.includes(runId);
}

function runNotFound({ worldId, runId }: AckCall): DomainError {
  return new DomainError("RUN_NOT_FOUND", `world ${worldId} has had no run ${runId}`, {
    metadata: { world_id: worldId, run_id: runId },
  });
}

/** False when another acknowledgement of the same subscriber came in between. */
async function save(deps: WorldDeps, call: AckCall, read: ReadResult): Promise<boolean> {
  const { caller, runId, subscriber, sequence } = call;
  const key = ackKey(call);
  const body: AckDoc = { sequence };
  const cause = {
    caller,
    runId,
    nowMs: deps.clock.now(),
    action: "activation_acknowledged",
    details: { subscriber, sequence },
  };
  const outcome = await deps.store.commit({
    expect: [{ key, version: read.docs.at(-2)?.version ?? 0 }],
    puts: [{ key, body: toStored(body) }],
    audit: [auditLine(call.worldId, cause)],
  });
  return outcome.kind === "committed";
}

/** The acknowledgement that an apply still missed lets it go on. */
function nudgeIfAwaited(deps: WorldDeps, view: WorldView, { worldId, subscriber, sequence }: AckCall): void {
  const { apply, acks } = view;
  if (apply === undefined || !awaitsAcks(apply)) return;
  const after = new Map([...acks, [subscriber, sequence]]);
  if (missingNow({ ...view, apply, acks: after }).length === 0) deps.nudge(worldId);
}
