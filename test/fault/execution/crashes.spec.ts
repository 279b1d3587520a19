import { expect } from "chai";
import { runExecutionCrashSuite } from "./crash-suite.ts";

/** The short version; the chaos command runs the same suite with hundreds of kills. */
const KILLS = 12;
const NOTHING_WRONG = {
  doubled: 0,
  missing: 0,
  unintended: 0,
  denied: 0,
  resent: 0,
  untold: 0,
  unsettled: 0,
};

describe("execution under kills, time-outs and late answers", function () {
  this.timeout(120_000);

  it("never places an order twice, never loses one, and leaves to an operator only what nobody can tell", async () => {
    const reports = await runExecutionCrashSuite({ kills: KILLS, seed: 7 });
    for (const [abilities, report] of Object.entries(reports)) {
      expect(report, abilities).to.deep.include(NOTHING_WRONG);
      expect(report.kills, abilities).to.be.at.least(KILLS / 3);
    }
    expect(reports.idempotent.inDoubt, "an executor that recognises repeats leaves no doubt").to.equal(0);
    expect(reports.neither.inDoubt, "nobody can tell, so nothing is sent again").to.be.greaterThan(0);
  });

  it("would notice orders that are placed twice: an executor that only says it recognises repeats", async () => {
    const { liar } = await runExecutionCrashSuite({
      kills: 1,
      seed: 7,
      classes: ["liar"],
      faults: ["kill-taken"],
    });
    expect(liar.doubled).to.be.greaterThan(0);
  });
});
