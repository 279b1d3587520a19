import { expect } from "chai";
import {
  type DataEvidence,
  decideEffectiveMode,
  decisionEtag,
  type ModeInput,
} from "../../../../src/domain/decision/effective-mode.ts";

const MEASURED: DataEvidence = { datasetFingerprint: "fp", coverageBounds: [1, 2] };
const UNMEASURED: DataEvidence = { datasetFingerprint: "fp" };

function given(part: Partial<ModeInput>): ModeInput {
  const ready = { bindings: ["s"], decisions: ["s"], allowLive: true, evidence: MEASURED, memory: undefined };
  return { ...ready, ...part };
}

describe("the effective mode", () => {
  it("only validates without bindings or decisions", () => {
    const unbound = decideEffectiveMode(given({ bindings: [], decisions: [] }));
    expect(unbound).to.deep.include({ mode: "VALIDATE", reason: "no_bindings", ttlMs: 300_000 });
    const undecided = decideEffectiveMode(given({ decisions: [] }));
    expect(undecided).to.deep.include({ mode: "VALIDATE", reason: "no_active_strategies", ttlMs: 300_000 });
  });

  it("is live where the world allows it and its data is known and measured", () => {
    const reason = "bindings_present & decisions_present & allow_live & dataset_fingerprint_ok & metrics_ok";
    const kinds: DataEvidence[] = [MEASURED, { ...UNMEASURED, rows: 10 }];
    kinds.push({ ...UNMEASURED, conformanceFlags: new Map([["gap", 0]]) });
    for (const evidence of kinds) {
      expect(decideEffectiveMode(given({ evidence }))).to.deep.equal({
        mode: "LIVE",
        reason,
        ttlMs: 300_000,
        memory: { mode: "LIVE", datasetFingerprint: "fp" },
      });
    }
  });

  it("only computes where the world does not allow more", () => {
    expect(decideEffectiveMode(given({ allowLive: false }))).to.deep.include({
      mode: "COMPUTE_ONLY",
      reason: "bindings_present & decisions_present & allow_live_disabled",
      ttlMs: 300_000,
    });
  });

  it("only computes on unknown or unmeasured data, and says which", () => {
    const reasons = (evidence: DataEvidence | undefined) => {
      const { mode, reason } = decideEffectiveMode(given({ evidence }));
      expect(mode).to.equal("COMPUTE_ONLY");
      return reason.replace("bindings_present & decisions_present & ", "");
    };
    expect(reasons({ coverageBounds: [1, 2] })).to.equal("dataset_fingerprint_missing");
    expect(reasons(UNMEASURED)).to.equal("required_metrics_missing");
    expect(reasons({ ...UNMEASURED, rows: 0, coverageBounds: [] })).to.equal("required_metrics_missing");
    expect(reasons(undefined)).to.equal("dataset_fingerprint_missing & required_metrics_missing");
  });

  it("stays live over a gap in the metrics while the data is the same (D-35)", () => {
    const live = decideEffectiveMode(given({}));
    const held = decideEffectiveMode(given({ evidence: UNMEASURED, memory: live.memory }));
    expect(held).to.deep.include({
      mode: "LIVE",
      reason: "bindings_present & decisions_present & allow_live & hysteresis_hold",
      ttlMs: 120_000,
    });
    const again = decideEffectiveMode(given({ evidence: UNMEASURED, memory: held.memory }));
    expect(again.mode).to.equal("LIVE");
  });

  it("does not stay live on other data, without permission, or after a decision that was not live", () => {
    const memory = decideEffectiveMode(given({})).memory;
    const other = given({ evidence: { datasetFingerprint: "other" }, memory });
    const forbidden = given({ evidence: UNMEASURED, allowLive: false, memory });
    expect(decideEffectiveMode(other).mode).to.equal("COMPUTE_ONLY");
    const stopped = decideEffectiveMode(forbidden);
    expect(stopped.mode).to.equal("COMPUTE_ONLY");
    expect(decideEffectiveMode(given({ evidence: UNMEASURED, memory: stopped.memory })).mode).to.equal(
      "COMPUTE_ONLY",
    );
    const unnamed = { mode: "LIVE", datasetFingerprint: "" } as const;
    expect(decideEffectiveMode(given({ evidence: undefined, memory: unnamed })).mode).to.equal(
      "COMPUTE_ONLY",
    );
  });

  it("has an etag that leaves out what is unknown", () => {
    const parts = { worldId: "w", policyVersion: 0, epochSeconds: 1700000000 };
    expect(decisionEtag(parts)).to.equal("w:w:v0:1700000000");
    const full = { ...parts, datasetFingerprint: "fp", asOf: "2025-03-16T00:00:00Z", updatedAt: "U" };
    expect(decisionEtag(full)).to.equal("w:w:v0:fp:2025-03-16T00:00:00Z:U:1700000000");
  });
});
