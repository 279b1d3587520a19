import { expect } from "chai";
import { GUARDS, type Guard } from "../support/faults.ts";
import { budgetRaces } from "./suites/budget-races.ts";
import { changedBodies } from "./suites/changed-bodies.ts";
import { etagRaces } from "./suites/etag-races.ts";
import { pausedHolder } from "./suites/paused-holder.ts";
import { hasFailed, lineOf, runSuite, type Suite } from "./support/suite.ts";

/** Which suite is there to notice that a guard is missing. `chaos.spec.ts` shows that each passes with all guards on. */
const CATCHERS: Record<Guard, Suite> = {
  fence: pausedHolder,
  claim: changedBodies,
  etag: etagRaces,
  budget: budgetRaces,
};

for (const kind of ["redis", "sqlite"] as const) {
  it(`notices on ${kind} when a guard is off: ${GUARDS.length} guards off, ${GUARDS.length} caught`, async function () {
    this.timeout(120_000);
    const caught: Guard[] = [];
    for (const guardOff of GUARDS) {
      const result = await runSuite(CATCHERS[guardOff], { kind, seed: 1, rounds: 2, guardOff });
      if (hasFailed(result)) caught.push(guardOff);
      expect(result.ok, lineOf(result)).to.be.greaterThan(0);
    }
    expect(caught).to.deep.equal([...GUARDS]);
  });
}
