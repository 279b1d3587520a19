import { expect } from "chai";
import { endProcesses } from "../../integration/operations/support.ts";
import { runCampaign } from "./campaign.ts";
import { faultsOf } from "./verdict.ts";

/** `npm run fuzz -- --inputs 1000000` sends more. */
const INPUTS = 50_000;

describe("hostile inputs", () => {
  afterEach(endProcesses);

  it("neither end the server nor silence it, and it explains every refusal", async function () {
    this.timeout(600_000);
    const result = await runCampaign({ inputs: INPUTS, seed: 1 });
    expect(faultsOf(result, false)).to.deep.equal([]);
    expect(result.inputs).to.equal(INPUTS);
  });

  it("are told from harmless ones: a crash, an unexplained error, silence and hunger are faults", () => {
    const good = {
      inputs: 1,
      sent: new Map(),
      crashed: false,
      unexplained: [],
      errors: "",
      lateAnswers: 0,
      slowestMs: 1,
      peakMib: 1,
      exit: 0,
    };
    expect(faultsOf(good)).to.deep.equal([]);
    for (const bad of [
      { crashed: true },
      { unexplained: ["{}"] },
      { errors: "warning" },
      { lateAnswers: 1 },
      { peakMib: 9_999 },
      { exit: 1 },
    ]) {
      expect(faultsOf({ ...good, ...bad }), JSON.stringify(bad)).to.have.length.at.least(1);
    }
  });
});
