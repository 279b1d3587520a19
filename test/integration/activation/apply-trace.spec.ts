import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { DomainEvent } from "../../../src/domain/events/types.ts";
import type { EffectiveMode } from "../../../src/domain/state/world-state.ts";
import type { ApplyOutcome } from "../../../src/orchestration/apply-world/apply-world.ts";
import type { CommitRequest } from "../../../src/ports/store.ts";
import { createReplica, eventsIn, openMemory, type Replica, stageIn, W } from "./support.ts";

interface TraceEntry {
  readonly active: boolean;
  readonly weight: number;
  readonly freeze: boolean;
  readonly drain: boolean;
  readonly effective_mode?: string | null;
  readonly run_id?: string;
}

interface TraceEvent {
  readonly type: "activation_updated" | "policy_updated";
  readonly data: TraceEntry & {
    readonly strategy_id: string;
    readonly side: "long" | "short";
    readonly phase: string;
    readonly sequence: number;
    readonly requires_ack: boolean;
    readonly version: number;
    readonly idempotency_key: string;
  };
}

interface TraceAck {
  readonly ok: boolean;
  readonly run_id: string;
  readonly active: readonly string[];
  readonly phase: string;
}

interface TraceCase {
  readonly id: string;
  readonly defects: readonly string[];
  readonly input: {
    readonly activations: readonly {
      strategy_id: string;
      side: string;
      active: boolean;
      weight: number;
      effective_mode?: string;
    }[];
    readonly decisions: readonly string[];
    readonly applies: readonly { run_id: string; activate?: string[]; deactivate?: string[] }[];
    /** Which published event fails, counted over all applies from 1. */
    readonly fail_publish_no?: number;
    /** The first switch fails. */
    readonly fail_set_decisions?: boolean;
  };
  readonly expected: {
    readonly result: {
      readonly applies: readonly { ack?: TraceAck; http_error?: unknown; events: TraceEvent[] }[];
      readonly final_decisions: readonly string[];
      readonly final_version: number;
      readonly final_state: Record<string, Record<string, TraceEntry>>;
      readonly audit_apply_stages: readonly [run: string, stage: string][];
    };
  };
}

const CASES = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../golden/activation/apply_trace.json"), "utf8"),
) as TraceCase[];

/** One world that went through a case. */
interface Played {
  readonly applies: readonly { outcome: ApplyOutcome; events: DomainEvent[] }[];
  readonly replica: Replica;
}

const PUBLISHED = new Set(["ACTIVATION_UPDATED", "DECISIONS_UPDATED"]);

/** Fails the commit that stands for what failed when the trace was recorded: a publish, or the switch. */
function failing({ fail_publish_no, fail_set_decisions }: TraceCase["input"]): (r: CommitRequest) => void {
  let published = 0;
  let failed = false;
  return (request) => {
    const first = published + 1;
    published += eventsIn(request).filter((event) => PUBLISHED.has(event.type)).length;
    const isIt =
      fail_publish_no === undefined
        ? fail_set_decisions === true && stageIn(request) === "SWITCHED"
        : first <= fail_publish_no && fail_publish_no <= published;
    if (failed || !isIt) return;
    failed = true;
    throw new Error("injected");
  };
}

async function play({ input }: TraceCase, replica: Replica): Promise<Played> {
  for (const { strategy_id, side, active, weight, effective_mode } of input.activations) {
    await replica.upsert({
      strategyId: strategy_id,
      side: side === "short" ? "SHORT" : "LONG",
      active,
      weight,
      effectiveMode: modeOf(effective_mode),
    });
  }
  await replica.decide(...input.decisions);
  replica.onCommit = failing(input);
  const applies: Played["applies"][number][] = [];
  for (const { run_id, activate = [], deactivate = [] } of input.applies) {
    const before = (await replica.events()).length;
    const outcome = await replica.apply(run_id, activate, deactivate);
    applies.push({ outcome, events: (await replica.events()).slice(before) });
  }
  return { applies, replica };
}

function modeOf(name: string | null | undefined): EffectiveMode {
  return name === undefined || name === null ? "VALIDATE" : (name.toUpperCase() as EffectiveMode);
}

/** What the trace and our events have in common, in one shape. */
function ours(events: readonly DomainEvent[]): unknown[] {
  return events.flatMap((event): unknown[] => {
    if (event.type === "DECISIONS_UPDATED") return ["policy_updated"];
    if (event.type !== "ACTIVATION_UPDATED") return [];
    const { entry, phase, requiresAck } = event.payload;
    const { strategyId, side, active, weight, freeze, drain, effectiveMode, runId } = entry;
    return [{ strategyId, side, active, weight, freeze, drain, effectiveMode, runId, phase, requiresAck }];
  });
}

function theirs(events: readonly TraceEvent[]) {
  return events.map(({ type, data }) => {
    if (type === "policy_updated") return type;
    const { active, weight, freeze, drain } = data;
    return {
      strategyId: data.strategy_id,
      side: data.side.toUpperCase(),
      active,
      weight,
      freeze,
      drain,
      effectiveMode: modeOf(data.effective_mode),
      runId: data.run_id,
      phase: data.phase.toUpperCase(),
      requiresAck: data.requires_ack,
    };
  });
}

/** Steps between neighbouring sequences: the trace counts per run, we count per world. */
function steps(sequences: readonly number[]): number[] {
  return sequences.slice(1).map((sequence, i) => sequence - (sequences[i] ?? 0));
}

function sequencesOf(events: readonly DomainEvent[]): number[] {
  return events.flatMap((event) => (event.type === "ACTIVATION_UPDATED" ? [event.payload.sequence] : []));
}

const STAGES: Readonly<Record<string, string>> = {
  REQUESTED: "requested",
  FREEZING: "freeze",
  SWITCHED: "switch",
  UNFREEZING: "unfreeze",
  COMPLETED: "completed",
  ROLLED_BACK: "rolled_back",
};

async function auditedStages({ deps }: Replica): Promise<string[][]> {
  const lines = await deps.store.listAudit({ worldId: W, limit: 10_000 });
  return lines
    .map((line) => JSON.parse(line.body) as { action: string; runId: string; details: { stage: string } })
    .filter(({ action }) => action === "apply_stage")
    .flatMap(({ runId, details }) => (details.stage in STAGES ? [[runId, STAGES[details.stage] ?? ""]] : []));
}

function ackOf({ apply, active }: ApplyOutcome): TraceAck {
  const phase = STAGES[apply.stage] ?? apply.stage;
  return { ok: apply.stage === "COMPLETED", run_id: apply.runId, active, phase };
}

async function stateOf(replica: Replica) {
  const { entries } = (await replica.view()).activations;
  return entries.map(({ strategyId, side, active, weight, freeze, drain, effectiveMode, runId }) => {
    return { strategyId, side, active, weight, freeze, drain, effectiveMode, runId };
  });
}

function traceState(state: TraceCase["expected"]["result"]["final_state"]) {
  return Object.entries(state).flatMap(([strategyId, sides]) =>
    Object.entries(sides).map(([side, { active, weight, freeze, drain, effective_mode, run_id }]) => {
      const effectiveMode = modeOf(effective_mode);
      return {
        strategyId,
        side: side.toUpperCase(),
        active,
        weight,
        freeze,
        drain,
        effectiveMode,
        runId: run_id ?? "",
      };
    }),
  );
}

const FAILS_AT_SWITCH = { activations: [], decisions: [], applies: [], fail_set_decisions: true };

describe("ApplyWorld against the recorded traces", () => {
  let replica: Replica;
  beforeEach(async () => {
    replica = createReplica(await openMemory());
  });
  afterEach(async () => {
    await replica.reaper.stop();
    await replica.opened.close();
  });

  const sound = CASES.filter(({ defects }) => defects.length === 0);
  it("has cases", () => {
    expect(sound.length).to.equal(16);
  });

  for (const trace of sound) {
    it(`acknowledges, orders, freezes, counts and audits as ${trace.id} does`, async () => {
      const { result } = trace.expected;
      const { applies } = await play(trace, replica);
      for (const [i, expected] of result.applies.entries()) {
        const { outcome, events } = applies[i] ?? expect.fail("an apply is missing");
        if (expected.ack !== undefined) expect(ackOf(outcome)).to.deep.equal(expected.ack);
        else expect(ackOf(outcome)).to.include({ ok: false, phase: "rolled_back" });
        expect(ours(events)).to.deep.equal(theirs(expected.events));
        const recorded = expected.events.filter(({ type }) => type === "activation_updated");
        expect(steps(sequencesOf(events))).to.deep.equal(steps(recorded.map(({ data }) => data.sequence)));
      }
      expect(await auditedStages(replica)).to.deep.equal(result.audit_apply_stages);
      expect([...(await replica.view()).state.decisions].sort()).to.deep.equal(
        [...result.final_decisions].sort(),
      );
      expect(await stateOf(replica)).to.have.deep.members(traceState(result.final_state));
      // A roll-back of the trace gives back version numbers; ours never does.
      const isUndisturbed = result.applies.every(({ ack }) => ack !== undefined);
      if (isUndisturbed) expect((await replica.view()).activations.version).to.equal(result.final_version);
    });
  }

  function caseWith(tag: string): TraceCase {
    return CASES.find(({ defects }) => defects.some((each) => each.startsWith(tag))) ?? expect.fail(tag);
  }

  it("D30: gives a strategy that is switched on again a weight it can trade with", async () => {
    const trace = caseWith("D30");
    await play(trace, replica);
    const [entry] = await stateOf(replica);
    expect(entry).to.include({ active: true, weight: 1 });
    expect(traceState(trace.expected.result.final_state)[0]).to.include({ active: true, weight: 0 });
  });

  it("D33: a roll-back uses neither versions nor keys nor sequences again", async () => {
    const { applies } = await play(caseWith("D33"), replica);
    expect(applies[0]?.outcome.apply.stage).to.equal("ROLLED_BACK");
    const events = await replica.events();
    expect(new Set(events.map((event) => event.idempotencyKey)).size).to.equal(events.length);
    const written = events.filter((event) => event.type === "ACTIVATION_UPDATED");
    const counted = Array.from({ length: written.length }, (_, i) => i + 1);
    expect(written.map(({ payload }) => payload.version)).to.deep.equal(counted);
    expect(written.map(({ payload }) => payload.sequence)).to.deep.equal(counted);
    expect(new Set(written.map(({ payload }) => payload.entry.etag)).size).to.equal(written.length);
  });

  it("D34: after a roll-back there is a way out: another apply, UnfreezeWorld, or unfreeze_on_rollback", async () => {
    const trace = caseWith("D34");
    const { applies } = await play(trace, replica);
    expect(ackOf(applies[2]?.outcome ?? expect.fail())).to.deep.include({ ok: true, active: ["a", "c"] });

    replica.onCommit = failing(FAILS_AT_SWITCH);
    expect((await replica.apply("R3", ["b"])).apply.stage).to.equal("ROLLED_BACK");
    const frozen = await stateOf(replica);
    expect(frozen.every((entry) => entry.freeze && !entry.active)).to.equal(true);
    expect((await replica.unfreeze()).changed).to.equal(true);
    const restored = (await stateOf(replica)).filter((entry) => entry.active);
    expect(restored.map((entry) => entry.strategyId)).to.deep.equal(["a", "c"]);

    replica.onCommit = failing(FAILS_AT_SWITCH);
    const back = await replica.apply("R4", ["b"], [], { unfreezeOnRollback: true });
    expect(back.apply.stage).to.equal("ROLLED_BACK");
    expect((await stateOf(replica)).filter((entry) => entry.active)).to.have.length(2);
  });

  it("D31: an apply that another one followed is answered, not executed again", async () => {
    await replica.apply("R1", ["a"]);
    await replica.apply("R2", ["b"], ["a"]);
    const before = (await replica.events()).length;
    const again = await replica.apply("R1", ["a"]);
    expect(again.replayed).to.equal(true);
    expect(again.active).to.deep.equal(["b"]);
    expect((await replica.events()).length).to.equal(before);
  });

  it("D32: a run id with another plan is refused, however many runs came after it", async () => {
    await replica.apply("R1", ["a"]);
    await replica.apply("R2", ["b"]);
    for (const runId of ["R1", "R2"]) {
      const error: unknown = await replica.apply(runId, ["z"]).catch((thrown: unknown) => thrown);
      expect(error).to.include({ reason: "RUN_ID_REUSED" });
    }
  });
});
