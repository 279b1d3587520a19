import { expect } from "chai";
import { claimedStateHash, foldEvent, foldEvents } from "../../../../src/domain/events/fold.ts";
import type { DomainEvent } from "../../../../src/domain/events/types.ts";
import { type ActivationEntry, EMPTY_WORLD_STATE } from "../../../../src/domain/state/world-state.ts";
import { SAMPLES } from "../../../contract/events/samples.ts";

function activation(strategyId: string, side: "LONG" | "SHORT", weight = 1): DomainEvent {
  const sample = SAMPLES["activation-updated"] as Extract<DomainEvent, { type: "ACTIVATION_UPDATED" }>;
  const entry: ActivationEntry = { ...sample.payload.entry, strategyId, side, weight };
  return { ...sample, payload: { ...sample.payload, entry } };
}

describe("folding events", () => {
  it("takes over allocation, decisions and stage", () => {
    const events = ["allocation-updated", "decisions-updated", "apply-stage-changed"].map(
      (name) => SAMPLES[name] as DomainEvent,
    );
    const state = foldEvents(new Map(), events).get("세계-1");
    expect(state).to.deep.include({
      decisions: ["trend", "carry"],
      applyStage: "ROLLED_BACK",
      activations: [],
    });
    expect(state?.allocation).to.include({ allocation: 0.25, etag: "etag-2" });
  });

  it("keeps activations sorted by the bytes of the strategy, then side, and replaces an entry", () => {
    const events = [
      activation("b", "SHORT"),
      activation("b", "LONG"),
      activation("😀", "LONG"),
      activation("ﬀ", "LONG"),
      activation("a", "SHORT"),
      activation("b", "SHORT", 0.5),
    ];
    const state = events.reduce(foldEvent, EMPTY_WORLD_STATE);
    expect(state.activations.map(({ strategyId, side, weight }) => [strategyId, side, weight])).to.deep.equal(
      [
        ["a", "SHORT", 1],
        ["b", "LONG", 1],
        ["b", "SHORT", 0.5],
        ["ﬀ", "LONG", 1],
        ["😀", "LONG", 1],
      ],
    );
  });

  it("leaves the state alone for events that are not about it, and says so", () => {
    for (const name of ["rebalancing-planned.filled", "bindings-updated", "world-updated", "ack-timeout"]) {
      const event = SAMPLES[name] as DomainEvent;
      expect(foldEvent(EMPTY_WORLD_STATE, event)).to.equal(EMPTY_WORLD_STATE);
      expect(claimedStateHash(event)).to.equal(undefined);
    }
    expect(claimedStateHash(SAMPLES["decisions-updated"] as DomainEvent)).to.match(/^sha256:/);
  });

  it("does not change what it was given", () => {
    const states = new Map([["세계-1", EMPTY_WORLD_STATE]]);
    foldEvents(states, [SAMPLES["decisions-updated"] as DomainEvent]);
    expect(states.get("세계-1")).to.equal(EMPTY_WORLD_STATE);
  });
});
