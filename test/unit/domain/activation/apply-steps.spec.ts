import { expect } from "chai";
import { NO_ACTIVATIONS, write } from "../../../../src/domain/activation/activations.ts";
import {
  type ApplyRecord,
  canGoBack,
  hasSwitched,
  plannedTarget,
} from "../../../../src/domain/activation/apply-record.ts";
import {
  type ApplyView,
  type NextStep,
  nextStep,
  takeOverStep,
} from "../../../../src/domain/activation/apply-steps.ts";
import { freezeAll } from "../../../../src/domain/activation/freeze.ts";
import { abort, resume } from "../../../../src/domain/activation/interventions.ts";
import { type ApplyStage, EMPTY_WORLD_STATE } from "../../../../src/domain/state/world-state.ts";
import { UNREGISTERED, type WorldSwitches } from "../../../../src/domain/worlds/switches.ts";

const TIME = { nowMs: 100, ackTimeoutMs: 10 };
const STAGES: readonly ApplyStage[] = [
  "REQUESTED",
  "FREEZING",
  "FROZEN",
  "SWITCHED",
  "UNFREEZING",
  "COMPLETED",
  "ROLLING_BACK",
  "ROLLED_BACK",
  "STUCK_FROZEN",
];
const ENDED: ReadonlySet<ApplyStage> = new Set(["COMPLETED", "ROLLED_BACK"]);

function viewAt(
  stage: ApplyStage,
  more: Partial<ApplyRecord> = {},
  switches: Partial<WorldSwitches> = {},
): ApplyView {
  const apply: ApplyRecord = {
    worldId: "w",
    runId: "r",
    fingerprint: "f",
    stage,
    step: 1,
    previous: ["a"],
    target: ["b"],
    roster: [],
    awaitedSequence: 0,
    awaitUntilMs: 0,
    handedOver: false,
    unfreezeOnRollback: false,
    message: "",
    ended: ENDED.has(stage),
    createdAtMs: 0,
    updatedAtMs: 0,
    ...more,
  };
  const author = { worldId: "w", runId: "", nowMs: 0 };
  const content = {
    strategyId: "a",
    side: "LONG",
    active: true,
    weight: 1,
    freeze: false,
    drain: false,
    effectiveMode: "PAPER",
  } as const;
  const open = write(NO_ACTIVATIONS, [content], "NONE", author).activations;
  const frozen = freezeAll(open, { by: "APPLY", runId: "r", roster: apply.roster }, author).activations;
  const activations = ["REQUESTED", "UNFREEZING", "COMPLETED"].includes(stage) ? open : frozen;
  return {
    worldId: "w",
    world: undefined,
    switches: { ...UNREGISTERED, ...switches },
    state: { ...EMPTY_WORLD_STATE, activations: activations.entries, decisions: ["a"], applyStage: stage },
    activations,
    decisions: undefined,
    apply,
    acks: new Map(),
  };
}

function stageAfter(next: NextStep | undefined): string | undefined {
  return next?.kind === "step" ? next.change.apply.stage : next?.kind;
}

describe("the steps of an apply", () => {
  it("lead from REQUESTED to COMPLETED, one stage at a time", () => {
    const path = ["REQUESTED", "FREEZING", "FROZEN", "SWITCHED", "UNFREEZING", "COMPLETED"] as const;
    const after = path.map((stage) => stageAfter(nextStep(viewAt(stage), TIME)));
    expect(after).to.deep.equal(["FREEZING", "FROZEN", "SWITCHED", "UNFREEZING", "COMPLETED", "done"]);
  });

  it("of one that somebody else left lead back before SWITCHED and forward from it on", () => {
    const after = STAGES.map((stage) => [stage, stageAfter(takeOverStep(viewAt(stage), TIME))]);
    expect(Object.fromEntries(after)).to.deep.equal({
      REQUESTED: "ROLLING_BACK",
      FREEZING: "ROLLING_BACK",
      FROZEN: "ROLLING_BACK",
      SWITCHED: "UNFREEZING",
      UNFREEZING: "COMPLETED",
      COMPLETED: "done",
      ROLLING_BACK: "ROLLED_BACK",
      ROLLED_BACK: "done",
      STUCK_FROZEN: "done",
    });
  });

  it("never lead back once they have switched, whatever happens", () => {
    for (const stage of STAGES.filter((each) => hasSwitched({ stage: each }))) {
      for (const switches of [{}, { state: "SUSPENDED" }, { circuitBreaker: true }] as const) {
        const view = viewAt(stage, { roster: ["g"], awaitedSequence: 1 }, switches);
        const all = [nextStep(view, TIME), takeOverStep(view, TIME), abort(view, TIME, "x")];
        for (const next of all) expect(stageAfter(next)).not.to.match(/^ROLL/);
      }
      expect(canGoBack({ stage })).to.equal(false);
    }
  });

  it("wait for the roster, and carry on for whoever comes, once it was handed over", () => {
    const waiting = { roster: ["g"], awaitedSequence: 2, awaitUntilMs: 101, handedOver: true };
    const view = viewAt("FREEZING", waiting);
    expect(takeOverStep(view, TIME)).to.deep.equal({ kind: "wait", missing: ["g"] });
    expect(stageAfter(takeOverStep({ ...view, acks: new Map([["g", 2]]) }, TIME))).to.equal("FROZEN");
    expect(stageAfter(takeOverStep(view, { ...TIME, nowMs: 101 }))).to.equal("ROLLING_BACK");
  });

  it("tell who did not acknowledge in time, and never count it as acknowledged", () => {
    const late = { roster: ["g", "h"], awaitedSequence: 2, awaitUntilMs: 100, handedOver: true };
    for (const [stage, then] of [
      ["FREEZING", "ROLLING_BACK"],
      ["UNFREEZING", "STUCK_FROZEN"],
    ] as const) {
      const next = nextStep({ ...viewAt(stage, late), acks: new Map([["h", 2]]) }, TIME);
      expect(stageAfter(next)).to.equal(then);
      expect(next)
        .to.have.nested.property("change.ackTimeout")
        .that.deep.equals({
          runId: "r",
          sequence: 2,
          missing: ["g"],
        });
    }
  });

  it("freeze again what cannot be finished after the switch", () => {
    const late = { roster: ["g"], awaitedSequence: 2, awaitUntilMs: 100 };
    const next = nextStep(viewAt("UNFREEZING", late), TIME);
    expect(next).to.have.nested.property("change.activations.freeze.by", "APPLY");
    const shut = nextStep(viewAt("SWITCHED", {}, { circuitBreaker: true }), TIME);
    expect(stageAfter(shut)).to.equal("STUCK_FROZEN");
    expect(shut).not.to.have.nested.property("change.activations");
  });

  it("let an operator end an apply at any stage, and resume only what is stuck", () => {
    const ends = STAGES.map((stage) => [stage, stageAfter(abort(viewAt(stage), TIME, "x"))]);
    expect(Object.fromEntries(ends)).to.deep.equal({
      REQUESTED: "ROLLING_BACK",
      FREEZING: "ROLLING_BACK",
      FROZEN: "ROLLING_BACK",
      SWITCHED: "STUCK_FROZEN",
      UNFREEZING: "STUCK_FROZEN",
      COMPLETED: undefined,
      ROLLING_BACK: undefined,
      ROLLED_BACK: undefined,
      STUCK_FROZEN: "STUCK_FROZEN",
    });
    const resumed = STAGES.filter((stage) => resume(viewAt(stage), TIME, "x") !== undefined);
    expect(resumed).to.deep.equal(["STUCK_FROZEN"]);
    expect(resume(viewAt("STUCK_FROZEN", { ended: true }), TIME, "x")).to.equal(undefined);
  });
});

describe("the target of a plan", () => {
  it("is what was decided, less what goes, and what comes, sorted", () => {
    const plan = { activate: ["z", "b", "b"], deactivate: ["a", "unknown"] };
    expect(plannedTarget(["c", "a"], plan)).to.deep.equal(["b", "c", "z"]);
    expect(plannedTarget(["c"], { activate: ["a"], deactivate: ["a"] })).to.deep.equal(["a", "c"]);
  });
});
