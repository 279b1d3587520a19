import { expect } from "chai";
import { canonicalJson } from "../../../../src/domain/canonical-json.ts";
import {
  type ActivationEntry,
  type Allocation,
  canonicalWorldState,
  EMPTY_WORLD_STATE,
} from "../../../../src/domain/state/world-state.ts";

const ENTRY: ActivationEntry = {
  worldId: "w",
  strategyId: '전략"\\',
  side: "SHORT",
  active: false,
  weight: 1e-7,
  freeze: true,
  drain: false,
  effectiveMode: "PAPER",
  etag: "act:1",
  runId: "",
  updatedAtMs: 0,
};
const ENTRY_FIELDS = {
  strategy_id: '전략"\\',
  side: "SHORT",
  active: false,
  weight: 1e-7,
  freeze: true,
  drain: false,
  effective_mode: "PAPER",
  etag: "act:1",
  run_id: "",
  updated_at_ms: 0,
};
const ALLOCATION: Allocation = {
  worldId: "w",
  allocation: 0.5,
  runId: "r",
  etag: "e",
  strategyAllocTotal: new Map([["10", 0.25]]),
  updatedAtMs: 3,
};
const ALLOCATION_FIELDS = {
  allocation: 0.5,
  run_id: "r",
  etag: "e",
  strategy_alloc_total: { "10": 0.25 },
  updated_at_ms: 3,
};

describe("the text that a state hash is taken over", () => {
  it("is the canonical JSON of all four parts", () => {
    const state = {
      activations: [ENTRY, ENTRY],
      allocation: ALLOCATION,
      applyStage: "FROZEN" as const,
      decisions: ["b", "a"],
    };
    expect(canonicalWorldState(state)).to.equal(
      canonicalJson({
        activations: [ENTRY_FIELDS, ENTRY_FIELDS],
        allocation: ALLOCATION_FIELDS,
        apply_stage: "FROZEN",
        decisions: ["b", "a"],
      }),
    );
  });

  it("leaves out what is absent", () => {
    expect(canonicalWorldState(EMPTY_WORLD_STATE)).to.equal('{"activations":[],"decisions":[]}');
    const staged = { ...EMPTY_WORLD_STATE, applyStage: "COMPLETED" as const };
    expect(canonicalWorldState(staged)).to.equal(
      '{"activations":[],"apply_stage":"COMPLETED","decisions":[]}',
    );
  });

  it("is the same when it is asked for again, and another after a change", () => {
    const state = { ...EMPTY_WORLD_STATE, activations: [ENTRY] };
    expect(canonicalWorldState(state)).to.equal(
      canonicalWorldState({ ...state, activations: [{ ...ENTRY }] }),
    );
    const changed = { ...state, activations: [{ ...ENTRY, weight: 1 }] };
    expect(canonicalWorldState(changed)).not.to.equal(canonicalWorldState(state));
  });
});
