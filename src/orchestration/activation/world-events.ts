import type { EntryChange } from "../../domain/activation/activations.ts";
import { type ApplyRecord, headingFor } from "../../domain/activation/apply-record.ts";
import type { WorldChange, WorldView } from "../../domain/activation/world-change.ts";
import { claimedStateHash, foldEvent } from "../../domain/events/fold.ts";
import type { AckTimeout, DomainEvent } from "../../domain/events/types.ts";
import { stateHash } from "../shared/hashing.ts";

/** The events of one commit, and the hash of the world's state after the last of them. */
export interface HashedEvents {
  readonly events: readonly DomainEvent[];
  readonly stateHash: string;
}

/** What all events of one commit share. */
export interface EventFacts {
  readonly worldId: string;
  readonly runId: string;
  readonly timeMs: number;
}

/** Filled in once all events of the commit are folded. */
const NOT_YET = "";

/**
 * The events that a change becomes, in the order of its parts: entries, decisions, time-out, stage. A commit is one step
 * of the history, so all of them carry the same state hash, that after the commit: hashing a world of a thousand
 * entries once for each of them would make a freeze wait for seconds.
 *
 * @param decisionsEtag etag of the decisions after the change, if it sets them.
 */
export function eventsOf(
  view: WorldView,
  change: WorldChange,
  decisionsEtag: string,
  facts: EventFacts,
): HashedEvents {
  const unhashed = drafts(view, change, decisionsEtag, facts);
  const hash = stateHash(unhashed.reduce(foldEvent, view.state));
  return { events: unhashed.map((event) => withHash(event, hash)), stateHash: hash };
}

function drafts(
  view: WorldView,
  change: WorldChange,
  decisionsEtag: string,
  facts: EventFacts,
): DomainEvent[] {
  const { changes = [], decisions, ackTimeout, apply } = change;
  return [
    ...changes.map((written) => activationUpdated(written, facts)),
    ...present(decisions).map((strategies) => decisionsUpdated(strategies, decisionsEtag, facts)),
    ...present(ackTimeout).map((timeout) => ackTimedOut(timeout, facts)),
    ...present(apply)
      .filter((after) => !isSilent(view, after))
      .map((after) => applyStageChanged(after, facts)),
  ];
}

function present<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}

/** An operator's end of a stuck apply leaves its stage as it is. */
function isSilent({ apply }: WorldView, after: ApplyRecord): boolean {
  return apply?.runId === after.runId && apply.stage === after.stage;
}

/** Ids may hold any character, so they are told apart by more than their separator. */
function keyOf(kind: string, ids: readonly string[], number: number | string): string {
  return `${kind}:${ids.map(encodeURIComponent).join(":")}:${number}`;
}

function envelope({ worldId, runId, timeMs }: EventFacts, key: string) {
  return {
    worldId,
    timeMs,
    correlationId: `activation:${worldId}:${runId}`,
    idempotencyKey: key,
    schemaVersion: 1,
  } as const;
}

function activationUpdated(written: EntryChange, facts: EventFacts): DomainEvent {
  return {
    ...envelope(facts, keyOf("activation_updated", [facts.worldId], written.version)),
    type: "ACTIVATION_UPDATED",
    payload: { ...written, runId: facts.runId, stateHash: NOT_YET },
  };
}

function decisionsUpdated(strategies: readonly string[], etag: string, facts: EventFacts): DomainEvent {
  return {
    ...envelope(facts, keyOf("decisions_updated", [facts.worldId], etag)),
    type: "DECISIONS_UPDATED",
    payload: { strategies, stateHash: NOT_YET },
  };
}

function ackTimedOut(payload: AckTimeout, facts: EventFacts): DomainEvent {
  return {
    ...envelope(facts, keyOf("ack_timeout", [facts.worldId, payload.runId], payload.sequence)),
    type: "ACK_TIMEOUT",
    payload,
  };
}

function applyStageChanged(apply: ApplyRecord, facts: EventFacts): DomainEvent {
  const { runId, stage, message } = apply;
  return {
    ...envelope(facts, keyOf("apply_stage_changed", [facts.worldId, runId], apply.step)),
    type: "APPLY_STAGE_CHANGED",
    payload: { runId, stage, active: headingFor(apply), reason: message, stateHash: NOT_YET },
  };
}

/** Events that touch nothing that is hashed stay as they are. */
function withHash(event: DomainEvent, hash: string): DomainEvent {
  if (claimedStateHash(event) === undefined) return event;
  return { ...event, payload: { ...event.payload, stateHash: hash } } as DomainEvent;
}
