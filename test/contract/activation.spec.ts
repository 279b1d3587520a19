import type { DescMethodUnary, JsonObject } from "@bufbuild/protobuf";
import { expect } from "chai";
import { ActivationService } from "#gen/worldservice/v1/activation_service_pb.ts";
import { DecisionService } from "#gen/worldservice/v1/decision_service_pb.ts";
import { WorldService } from "#gen/worldservice/v1/world_service_pb.ts";
import { callJson, expectGolden, type Outcome } from "../support/golden.ts";
import { STANDING_CLOCK, startServer, type TestServer } from "../support/server.ts";

const { method: A } = ActivationService;
const { method: D } = DecisionService;
const { method: Worlds } = WorldService;

type Step = readonly [method: DescMethodUnary, request: JsonObject];

/** What stands before the call whose answer is recorded. */
interface Case {
  readonly given?: readonly Step[];
  readonly when: Step;
}

const W = { worldId: "w" };
const RUN = { ...W, runId: "r1" };
const LONG = "ACTIVATION_SIDE_LONG";
const ENTRY = { ...W, strategyId: "trend", side: LONG };

const active: Step = [A.upsertActivation, { ...ENTRY, active: true }];
const decided: Step = [D.setDecisions, { ...W, strategies: ["trend"] }];
const frozen: Step = [A.freezeWorld, { ...W, runId: "halt", reason: "a fire drill" }];
const world = (more: JsonObject = {}): Step => [Worlds.createWorld, { world: { ...W, ...more } }];
const rosterWorld = world({ ackRoster: ["gate"] });
const apply = (more: JsonObject = {}): Step => [
  A.applyWorld,
  { ...RUN, plan: { activate: ["carry"], deactivate: ["trend"] }, ...more },
];
const waiting = [rosterWorld, active, decided, apply()];
const update = (fields: JsonObject, updateMask: string): Step => [
  Worlds.updateWorld,
  { world: { ...W, ...fields }, updateMask },
];
const ack = (more: JsonObject = {}): Step => [
  A.acknowledgeActivation,
  { ...W, subscriber: "gate", sequence: 1, ...more },
];
const operator = (method: DescMethodUnary, more: JsonObject = {}): Step => [
  method,
  { ...RUN, reason: "seen on call", ...more },
];

/** Named `<rpc>.<case>`; those that are refused begin their case with `refuses`. */
const CASES: Readonly<Record<string, Case>> = {
  "upsert-activation.new": { when: active },
  "upsert-activation.defaults": { when: [A.upsertActivation, ENTRY] },
  "upsert-activation.all-fields": {
    given: [world({ allowLive: true })],
    when: [
      A.upsertActivation,
      {
        ...ENTRY,
        side: "ACTIVATION_SIDE_SHORT",
        active: true,
        weight: 0.25,
        drain: true,
        effectiveMode: "EFFECTIVE_MODE_LIVE",
        runId: "r0",
      },
    ],
  },
  "upsert-activation.etag": { given: [active], when: [A.upsertActivation, { ...ENTRY, etag: "act:1" }] },
  "upsert-activation.inactive-in-frozen-world": {
    given: [active, frozen],
    when: [A.upsertActivation, { ...ENTRY, weight: 0.5 }],
  },
  "upsert-activation.refuses-stale-etag": {
    given: [active, active],
    when: [A.upsertActivation, { ...ENTRY, etag: "act:1" }],
  },
  "upsert-activation.refuses-weight-above-one": { when: [A.upsertActivation, { ...ENTRY, weight: 1.5 }] },
  "upsert-activation.refuses-negative-weight": { when: [A.upsertActivation, { ...ENTRY, weight: -0.1 }] },
  "upsert-activation.refuses-weight-not-a-number": {
    when: [A.upsertActivation, { ...ENTRY, weight: "NaN" }],
  },
  "upsert-activation.refuses-no-side": { when: [A.upsertActivation, { ...W, strategyId: "trend" }] },
  "upsert-activation.refuses-unknown-side": { when: [A.upsertActivation, { ...ENTRY, side: 7 }] },
  "upsert-activation.refuses-unknown-mode": { when: [A.upsertActivation, { ...ENTRY, effectiveMode: 99 }] },
  "upsert-activation.refuses-empty-strategy": {
    when: [A.upsertActivation, { ...W, side: LONG, strategyId: "" }],
  },
  "upsert-activation.refuses-decomposed-name": {
    when: [A.upsertActivation, { ...ENTRY, strategyId: "cafe\u0301" }],
  },
  "upsert-activation.refuses-live-without-allow-live": {
    given: [world()],
    when: [A.upsertActivation, { ...ENTRY, active: true, effectiveMode: "EFFECTIVE_MODE_LIVE" }],
  },
  "upsert-activation.refuses-frozen-world": { given: [active, frozen], when: active },
  "upsert-activation.refuses-suspended-world": {
    given: [world({ state: "WORLD_STATE_SUSPENDED" })],
    when: active,
  },
  "upsert-activation.refuses-open-breaker": { given: [world({ circuitBreaker: true })], when: active },
  "upsert-activation.refuses-deleted-world": { given: [world(), [Worlds.deleteWorld, W]], when: active },
  "upsert-activation.refuses-open-apply": { given: waiting, when: active },

  "get-activation.found": { given: [active], when: [A.getActivation, ENTRY] },
  "get-activation.refuses-unknown-entry": { when: [A.getActivation, ENTRY] },
  "list-activations.unknown-world": { when: [A.listActivations, W] },
  "list-activations.sorted": {
    given: [
      [A.upsertActivation, { ...ENTRY, strategyId: "b", side: "ACTIVATION_SIDE_SHORT" }],
      [A.upsertActivation, { ...ENTRY, strategyId: "b" }],
      [A.upsertActivation, { ...ENTRY, strategyId: "10" }],
      [A.upsertActivation, { ...ENTRY, strategyId: "__proto__", active: true }],
    ],
    when: [A.listActivations, W],
  },
  "list-activations.frozen": { given: [active, frozen], when: [A.listActivations, W] },

  "freeze-world.active": { given: [active], when: frozen },
  "freeze-world.again": { given: [active, frozen], when: frozen },
  "freeze-world.without-entries": { when: frozen },
  "freeze-world.suspended": { given: [active, world({ state: "WORLD_STATE_SUSPENDED" })], when: frozen },
  "freeze-world.refuses-deleted-world": { given: [world(), [Worlds.deleteWorld, W]], when: frozen },

  "unfreeze-world.frozen": { given: [active, frozen], when: [A.unfreezeWorld, W] },
  "unfreeze-world.not-frozen": { given: [active], when: [A.unfreezeWorld, W] },
  "unfreeze-world.acknowledged": {
    given: [rosterWorld, active, frozen, ack({ sequence: 2 })],
    when: [A.unfreezeWorld, W],
  },
  "unfreeze-world.refuses-missing-acknowledgements": {
    given: [rosterWorld, active, frozen],
    when: [A.unfreezeWorld, W],
  },
  "unfreeze-world.refuses-world-of-open-apply": { given: waiting, when: [A.unfreezeWorld, W] },
  "unfreeze-world.refuses-open-breaker": {
    given: [active, frozen, world({ circuitBreaker: true })],
    when: [A.unfreezeWorld, W],
  },
  "unfreeze-world.refuses-live-without-allow-live": {
    given: [
      world({ allowLive: true }),
      [A.upsertActivation, { ...ENTRY, active: true, effectiveMode: "EFFECTIVE_MODE_LIVE" }],
      frozen,
      update({ allowLive: false }, "allowLive"),
    ],
    when: [A.unfreezeWorld, W],
  },

  "apply-world.plan": { given: [active, decided], when: apply() },
  "apply-world.refuses-stale-etag": { given: [active], when: apply({ etag: "sha256:old" }) },
  "apply-world.replayed": { given: [active, decided, apply()], when: apply() },
  "apply-world.replayed-in-other-order": {
    given: [apply({ plan: { activate: ["x", "y"] } })],
    when: apply({ plan: { activate: ["y", "x"] } }),
  },
  "apply-world.waits-for-the-roster": { given: [rosterWorld, active, decided], when: apply() },
  "apply-world.refuses-empty-plan": { when: apply({ plan: {} }) },
  "apply-world.refuses-no-target": { when: [A.applyWorld, RUN] },
  "apply-world.refuses-strategy-in-both-lists": {
    when: apply({ plan: { activate: ["a", "b"], deactivate: ["b"] } }),
  },
  "apply-world.refuses-no-run-id": { when: apply({ runId: "" }) },
  "apply-world.refuses-run-id-with-another-plan": {
    given: [apply()],
    when: apply({ plan: { activate: ["other"] } }),
  },
  "apply-world.refuses-second-apply": { given: waiting, when: apply({ runId: "r2" }) },
  "apply-world.refuses-suspended-world": {
    given: [world({ state: "WORLD_STATE_SUSPENDED" })],
    when: apply(),
  },
  "apply-world.refuses-open-breaker": { given: [world({ circuitBreaker: true })], when: apply() },
  "apply-world.refuses-deleted-world": { given: [world(), [Worlds.deleteWorld, W]], when: apply() },
  "apply-world.refuses-frozen-world": { given: [active, frozen], when: apply() },
  "apply-world.refuses-live-without-allow-live": {
    given: [
      world({ allowLive: true }),
      [
        A.upsertActivation,
        { ...ENTRY, strategyId: "carry", active: true, effectiveMode: "EFFECTIVE_MODE_LIVE" },
      ],
      update({ allowLive: false }, "allowLive"),
    ],
    when: apply(),
  },
  "apply-world.refuses-evaluation-without-policy": {
    given: [world()],
    when: [A.applyWorld, { ...RUN, evaluation: { metrics: { trend: { values: { sharpe: 2 } } } } }],
  },
  "apply-world.evaluation": {
    given: [world()],
    when: [
      A.applyWorld,
      {
        ...RUN,
        evaluation: {
          metrics: { trend: { values: { sharpe: 2 } }, carry: { values: { sharpe: 0.5 } } },
          policy: { thresholds: { performance: { metric: "sharpe", min: 1 } } },
        },
      },
    ],
  },

  "get-apply.latest": { given: waiting, when: [A.getApply, W] },
  "get-apply.older": {
    given: [active, decided, apply(), apply({ runId: "r2", plan: { activate: ["trend"] } })],
    when: [A.getApply, RUN],
  },
  "get-apply.refuses-unknown-run": { given: [apply()], when: [A.getApply, { ...W, runId: "other" }] },
  "get-apply.refuses-world-without-applies": { when: [A.getApply, W] },

  "resume-apply.under-way": { given: waiting, when: operator(A.resumeApply) },
  "resume-apply.ended": { given: [apply()], when: operator(A.resumeApply) },
  "resume-apply.refuses-no-reason": { given: waiting, when: operator(A.resumeApply, { reason: "" }) },
  "resume-apply.refuses-unknown-run": { when: operator(A.resumeApply) },
  "abort-apply.before-switched": { given: waiting, when: operator(A.abortApply) },
  "abort-apply.ended": { given: [apply()], when: operator(A.abortApply) },
  "abort-apply.refuses-unknown-run": { when: operator(A.abortApply) },

  "acknowledge-activation.first": { given: [active], when: ack() },
  "acknowledge-activation.lower-than-before": {
    given: [active, active, ack({ sequence: 2 })],
    when: ack({ sequence: 1 }),
  },
  "acknowledge-activation.named-run": { given: waiting, when: ack({ runId: "r1" }) },
  "acknowledge-activation.refuses-the-future": { given: [active], when: ack({ sequence: 2 }) },
  "acknowledge-activation.refuses-sequence-beyond-numbers": {
    given: [active],
    when: ack({ sequence: "18446744073709551615" }),
  },
  "acknowledge-activation.refuses-sequence-of-zero": { given: [active], when: ack({ sequence: 0 }) },
  "acknowledge-activation.refuses-unknown-run": { given: [active], when: ack({ runId: "other" }) },
  "acknowledge-activation.refuses-world-without-events": { when: ack() },
  "acknowledge-activation.refuses-deleted-world": {
    given: [active, world(), [Worlds.deleteWorld, W]],
    when: ack(),
  },

  "set-decisions.new": { when: [D.setDecisions, { ...W, strategies: [" b ", "a", "b"], runId: "r0" }] },
  "set-decisions.none": { given: [decided], when: [D.setDecisions, W] },
  "set-decisions.refuses-stale-etag": {
    given: [decided],
    when: [D.setDecisions, { ...W, strategies: ["a"], etag: "sha256:old" }],
  },
  "set-decisions.refuses-blank-name": { when: [D.setDecisions, { ...W, strategies: ["a", "  "] }] },
  "set-decisions.refuses-open-apply": { given: waiting, when: decided },
  "set-decisions.refuses-suspended-world": {
    given: [world({ state: "WORLD_STATE_SUSPENDED" })],
    when: decided,
  },
  "get-decisions.never-set": { when: [D.getDecisions, W] },
  "get-decisions.set": { given: [decided], when: [D.getDecisions, W] },
  "set-bindings.grows": {
    given: [[D.setBindings, { ...W, strategies: ["b", "a"] }]],
    when: [D.setBindings, { ...W, strategies: ["10", "b"] }],
  },
  "set-bindings.refuses-nothing": { when: [D.setBindings, W] },
  "set-bindings.refuses-deleted-world": {
    given: [world(), [Worlds.deleteWorld, W]],
    when: [D.setBindings, { ...W, strategies: ["a"] }],
  },
  "get-bindings.never-set": { when: [D.getBindings, W] },
};

async function perform(open: TestServer, { given = [], when }: Case): Promise<Outcome> {
  for (const [method, request] of given) {
    const outcome = await callJson(open.transport, method, request);
    expect(outcome, `${method.name} before`).to.have.property("response");
  }
  return callJson(open.transport, ...when);
}

describe("contract of ActivationService and of the lists of DecisionService", () => {
  for (const [name, each] of Object.entries(CASES)) {
    it(`answers ${name} as recorded`, async () => {
      const open = await startServer({}, { clock: STANDING_CLOCK });
      try {
        const outcome = await perform(open, each);
        const isRefused = name.includes(".refuses");
        expect("error" in outcome, JSON.stringify(outcome)).to.equal(isRefused);
        expectGolden(`v1/${name}`, outcome);
      } finally {
        await open.stop();
      }
    });
  }

  it("records every method it is about", () => {
    const recorded = new Set(Object.values(CASES).map(({ when: [method] }) => method.name));
    const lists = [D.setDecisions, D.getDecisions, D.setBindings, D.getBindings];
    const all = [...ActivationService.methods, ...lists].map(({ name }) => name);
    expect([...recorded].sort()).to.deep.equal(all.sort());
  });
});
