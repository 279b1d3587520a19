import { expect } from "chai";
import { endProcesses } from "../../integration/operations/support.ts";
import { runOverload } from "./overload.ts";

describe("overload", () => {
  afterEach(endProcesses);

  it("is met by doing what can be done and refusing the rest with a delay; freezes go through", async function () {
    this.timeout(60_000);
    const result = await runOverload({ partMs: 1_000, rounds: 1, times: 5, store: "memory:" });
    expect(result.others).to.deep.equal([]);
    expect(result.refused).to.be.above(0);
    expect(result.withoutDelay).to.equal(0);
    expect(result.goodputPerSecond).to.be.above(0);
    expect(result.freezes).to.be.above(0);
  });
});
