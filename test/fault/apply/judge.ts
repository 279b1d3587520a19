/**
 * Judges the history of worlds that went through applies: reads the log and the audit, folds, and counts what must
 * never be. It shares no code with the driver that it judges.
 */
import { claimedStateHash, foldEvent } from "../../../src/domain/events/fold.ts";
import type { ActivationUpdated, DomainEvent } from "../../../src/domain/events/types.ts";
import { EMPTY_WORLD_STATE, type WorldState } from "../../../src/domain/state/world-state.ts";
import { fromStored } from "../../../src/domain/stored-json.ts";
import { stateHash } from "../../../src/orchestration/shared/hashing.ts";
import type { LogEntry } from "../../../src/ports/event-log.ts";
import type { OpenedStore } from "../../../src/ports/opened-store.ts";

export interface Verdict {
  /** Commits that show a switch by halves: decisions without stage, entries of two states at once. */
  halfSwitched: number;
  /** Entries that became active while a freeze stood or before the roster had acknowledged it. */
  unfrozenEarly: number;
  /** Stages out of order, roll-backs after SWITCHED among them. */
  wrongPath: number;
  /** Sequences, versions or hashes that do not follow from the events before. */
  broken: number;
  readonly details: string[];
}

export const CLEAN = { halfSwitched: 0, unfrozenEarly: 0, wrongPath: 0, broken: 0 };

/** What the suite knows of one world's apply. */
export interface Expected {
  readonly worldId: string;
  readonly runId: string;
  readonly previous: readonly string[];
  readonly target: readonly string[];
  readonly roster: readonly string[];
}

const NEXT: Readonly<Record<string, readonly string[]>> = {
  none: ["REQUESTED"],
  REQUESTED: ["FREEZING", "ROLLING_BACK"],
  FREEZING: ["FROZEN", "ROLLING_BACK"],
  FROZEN: ["SWITCHED", "ROLLING_BACK"],
  SWITCHED: ["UNFREEZING", "STUCK_FROZEN"],
  UNFREEZING: ["COMPLETED", "STUCK_FROZEN"],
  STUCK_FROZEN: ["UNFREEZING"],
  ROLLING_BACK: ["ROLLED_BACK"],
};

/** One commit as far as it concerns one world. */
interface Step {
  readonly revision: number;
  readonly events: readonly DomainEvent[];
}

interface AuditFact {
  readonly revision: number;
  readonly action: string;
  readonly details: { readonly subscriber?: string; readonly sequence?: number };
}

export async function judge(opened: OpenedStore, expected: readonly Expected[]): Promise<Verdict> {
  const verdict: Verdict = { ...CLEAN, details: [] };
  const entries = await wholeLog(opened);
  for (const world of expected) {
    const steps = stepsOf(entries, world.worldId);
    const audit = await auditOf(opened, world.worldId);
    judgeWorld(world, steps, audit, verdict);
  }
  return verdict;
}

async function wholeLog({ log }: OpenedStore): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for (;;) {
    const page = await log.readAfter(entries.at(-1)?.revision ?? 0, 1_000);
    if (page.length === 0) return entries;
    entries.push(...page);
  }
}

function stepsOf(entries: readonly LogEntry[], worldId: string): Step[] {
  return entries.flatMap(({ revision, events }) => {
    const own = events.filter((event) => event.worldId === worldId);
    return own.length === 0
      ? []
      : [{ revision, events: own.map(({ body }) => fromStored<DomainEvent>(body)) }];
  });
}

async function auditOf({ store }: OpenedStore, worldId: string): Promise<AuditFact[]> {
  const lines = await store.listAudit({ worldId, limit: 10_000 });
  return lines.map(({ revision, body }) => ({
    revision,
    ...(JSON.parse(body) as Omit<AuditFact, "revision">),
  }));
}

/** What is known of a world while its history is read. */
interface Reading {
  state: WorldState;
  stage: string;
  hasSwitched: boolean;
  sequence: number;
  /** Sequence of the newest freeze event; 0 while nothing is frozen. */
  frozenAt: number;
}

function judgeWorld(
  world: Expected,
  steps: readonly Step[],
  audit: readonly AuditFact[],
  verdict: Verdict,
): void {
  const reading: Reading = {
    state: EMPTY_WORLD_STATE,
    stage: "none",
    hasSwitched: false,
    sequence: 0,
    frozenAt: 0,
  };
  const note = (kind: keyof typeof CLEAN, revision: number, what: string) => {
    verdict[kind] += 1;
    verdict.details.push(`${kind}: ${world.worldId} (${world.runId}) at revision ${revision}: ${what}`);
  };
  for (const step of steps) {
    readEvents(step, reading, (what) => note("broken", step.revision, what));
    judgePath(step, reading, (what) => note("wrongPath", step.revision, what));
    judgeSwitch(step, world, reading, (what) => note("halfSwitched", step.revision, what));
    judgeFreeze(step, world, reading, audit, (what) => note("unfrozenEarly", step.revision, what));
  }
}

type Tell = (what: string) => void;

/** The events of a commit are one step, so each claims the hash after the last of them. */
function readEvents({ events }: Step, reading: Reading, tell: Tell): void {
  reading.state = events.reduce(foldEvent, reading.state);
  const due = stateHash(reading.state);
  for (const event of events) {
    const claimed = claimedStateHash(event);
    if (claimed !== undefined && claimed !== due) tell(`hash of ${event.type}`);
    if (event.type === "ACTIVATION_UPDATED") readSequence(event.payload, reading, tell);
  }
}

function readSequence({ sequence, version }: ActivationUpdated, reading: Reading, tell: Tell): void {
  if (sequence !== reading.sequence + 1 || version !== sequence) tell(`sequence ${sequence}`);
  reading.sequence = sequence;
}

function stageOf(step: Step): string | undefined {
  return step.events.flatMap((event) =>
    event.type === "APPLY_STAGE_CHANGED" ? [event.payload.stage] : [],
  )[0];
}

function judgePath(step: Step, reading: Reading, tell: Tell): void {
  const stage = stageOf(step);
  if (stage === undefined) return;
  if (!NEXT[reading.stage]?.includes(stage)) tell(`${reading.stage} → ${stage}`);
  if (reading.hasSwitched && stage.startsWith("ROLL")) tell(`${stage} after SWITCHED`);
  if (stage === "SWITCHED") reading.hasSwitched = true;
  reading.stage = stage;
}

function judgeSwitch(step: Step, { previous, target }: Expected, reading: Reading, tell: Tell): void {
  if (reading.stage === "none") return;
  const decides = step.events.some((event) => event.type === "DECISIONS_UPDATED");
  if (decides !== (stageOf(step) === "SWITCHED")) tell("decisions and stage apart");
  const due = reading.hasSwitched ? target : previous;
  if (!sameSet(reading.state.decisions, due)) tell(`decided ${reading.state.decisions.join()}`);
  const active = reading.state.activations.filter((entry) => entry.active);
  const isNone = active.length === 0;
  if (
    !isNone &&
    !sameSet(
      active.map((entry) => entry.strategyId),
      due,
    )
  ) {
    tell(`active ${active.map((entry) => entry.strategyId).join()}, due ${due.join()}`);
  }
  if (new Set(reading.state.activations.map((entry) => entry.freeze)).size > 1) tell("frozen by halves");
}

function judgeFreeze(
  step: Step,
  { roster }: Expected,
  reading: Reading,
  audit: readonly AuditFact[],
  tell: Tell,
): void {
  const phases = step.events.flatMap((event) =>
    event.type === "ACTIVATION_UPDATED" ? [event.payload.phase] : [],
  );
  const stage = stageOf(step);
  const isUnfrozen = phases.includes("UNFREEZE");
  if (isUnfrozen || stage === "FROZEN" || stage === "SWITCHED") {
    const missing = roster.filter((subscriber) => acked(audit, subscriber, step.revision) < reading.frozenAt);
    if (missing.length > 0) tell(`${stage ?? "unfrozen"} without ${missing.join()}`);
  }
  if (isUnfrozen) judgeUnfreeze(step, stage, audit, tell);
  if (phases.includes("FREEZE")) reading.frozenAt = reading.sequence;
}

/** Nobody but the apply unfreezes in the suite, and not once an operator has frozen. */
function judgeUnfreeze(
  { revision }: Step,
  stage: string | undefined,
  audit: readonly AuditFact[],
  tell: Tell,
): void {
  if (stage !== "UNFREEZING" && stage !== "ROLLED_BACK") tell(`unfrozen with stage ${stage}`);
  if (isHeldByCommand(audit, revision)) tell("unfrozen against FreezeWorld");
}

/** The newest sequence that a subscriber had acknowledged before a revision. */
function acked(audit: readonly AuditFact[], subscriber: string, revision: number): number {
  const own = audit.filter(
    (fact) =>
      fact.action === "activation_acknowledged" &&
      fact.revision < revision &&
      fact.details.subscriber === subscriber,
  );
  return Math.max(0, ...own.map((fact) => fact.details.sequence ?? 0));
}

function isHeldByCommand(audit: readonly AuditFact[], revision: number): boolean {
  return audit.some((fact) => fact.action === "world_frozen" && fact.revision < revision);
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each) => b.includes(each));
}
