import { expect } from "chai";
import { roundsOf, SHARES } from "./suites/index.ts";
import { detailsOf, lineOf, runSuite } from "./support/suite.ts";

/** The short version of `npm run chaos`; the long one kills 500 times. */
const KILLS = 50;
const SEED = 20_260_802;

describe(`servers and stores that fail, ${KILLS} kills`, function () {
  this.timeout(120_000);

  for (const share of SHARES) {
    for (const kind of share.suite.kinds) {
      const rounds = roundsOf(share, kind, KILLS);
      it(`lose nothing, double nothing and keep one history: ${share.suite.name} on ${kind}, ${rounds} rounds`, async () => {
        const result = await runSuite(share.suite, { kind, seed: SEED, rounds });
        const clean = { violations: "", problems: [] as readonly string[] };
        expect({ violations: detailsOf(result), problems: result.problems }, lineOf(result)).to.deep.equal(
          clean,
        );
        expect(result.ok, "calls that were acknowledged").to.be.greaterThan(0);
      });
    }
  }
});
