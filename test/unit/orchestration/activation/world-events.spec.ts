import { expect } from "chai";
import { NO_ACTIVATIONS, write } from "../../../../src/domain/activation/activations.ts";
import { freezeAll } from "../../../../src/domain/activation/freeze.ts";
import type { WorldView } from "../../../../src/domain/activation/world-change.ts";
import { claimedStateHash, foldEvent } from "../../../../src/domain/events/fold.ts";
import { EMPTY_WORLD_STATE } from "../../../../src/domain/state/world-state.ts";
import { switchesOf } from "../../../../src/domain/worlds/switches.ts";
import { eventsOf } from "../../../../src/orchestration/activation/world-events.ts";
import { stateHash } from "../../../../src/orchestration/shared/hashing.ts";

const AUTHOR = { worldId: "w1", runId: "run-1", nowMs: Date.UTC(2026, 0, 2) };
const FACTS = { worldId: "w1", runId: "run-1", timeMs: AUTHOR.nowMs };

function worldOf(strategies: number): WorldView {
  const contents = Array.from({ length: strategies }, (_, n) => ({
    strategyId: `s-${n}`,
    side: "LONG" as const,
    active: true,
    weight: 1,
    freeze: false,
    drain: false,
    effectiveMode: "PAPER" as const,
  }));
  const { activations } = write(NO_ACTIVATIONS, contents, "NONE", AUTHOR);
  return {
    worldId: "w1",
    world: undefined,
    switches: switchesOf(undefined),
    state: { ...EMPTY_WORLD_STATE, activations: activations.entries },
    activations,
    decisions: undefined,
    apply: undefined,
    acks: new Map(),
  };
}

describe("the events of a change", () => {
  it("carry one state hash, that of the world after all of them", () => {
    const view = worldOf(3_000);
    const freeze = { by: "COMMAND", runId: "run-1", roster: [] } as const;
    const frozen = freezeAll(view.activations, freeze, AUTHOR);
    const change = { ...frozen, decisions: ["s-1"] };
    const { events, stateHash: hash } = eventsOf(view, change, "etag", FACTS);
    const after = events.reduce(foldEvent, view.state);
    expect(events.map((event) => event.type)).to.have.lengthOf(3_001);
    expect(new Set(events.map(claimedStateHash))).to.deep.equal(new Set([stateHash(after)]));
    expect(hash).to.equal(stateHash(after));
    expect(after).to.deep.include({ activations: frozen.activations.entries, decisions: ["s-1"] });
  });

  it("leave events without hashed state without a hash, and the world's hash as it was", () => {
    const view = worldOf(2);
    const ackTimeout = { runId: "run-1", sequence: 2, missing: ["desk"] };
    const { events, stateHash: hash } = eventsOf(view, { ackTimeout }, "", FACTS);
    expect(events.map(claimedStateHash)).to.deep.equal([undefined]);
    expect(hash).to.equal(stateHash(view.state));
  });
});
