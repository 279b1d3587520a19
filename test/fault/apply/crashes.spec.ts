import { expect } from "chai";
import { runApplyCrashSuite } from "./crash-suite.ts";
import { CLEAN } from "./judge.ts";

const SEED = 20_261_123;

describe("two-phase applies whose drivers crash", () => {
  it("are never half-switched nor unfrozen early, and come to rest in time", async function () {
    this.timeout(60_000);
    const report = await runApplyCrashSuite({ kills: 28, seed: SEED });
    const { halfSwitched, unfrozenEarly, wrongPath, broken } = report;
    const story = JSON.stringify({ ...report, rest: [...report.rest] }, undefined, 2);
    expect({ halfSwitched, unfrozenEarly, wrongPath, broken }, story).to.deep.equal(CLEAN);
    expect(report.unfinished, story).to.equal(0);
    expect(report.surprises, story).to.deep.equal([]);
    expect(report.crashes).to.be.at.least(28);
    expect(report.processes.killed).to.be.greaterThan(0);
    expect(report.processes.stopped).to.be.greaterThan(0);
  });
});
