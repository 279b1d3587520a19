import { expect } from "chai";
import { createRefusalLog } from "../../../../src/rpc/admission/refusal-log.ts";
import { until } from "../../../integration/edge/support.ts";

describe("the log of refusals", () => {
  it("writes one line for many, by limit, and none where there were none", async () => {
    const lines: object[] = [];
    const log = createRefusalLog({ warn: (fields) => lines.push(fields) }, 5);
    log.start();
    for (let n = 0; n < 1000; n++) log.count("mutations");
    log.count("rate");
    await until(() => lines.length > 0);
    expect(lines).to.deep.equal([{ refused: { mutations: 1000, rate: 1 } }]);
    log.count("lag");
    await log.stop();
    await log.stop();
    expect(lines.slice(1)).to.deep.equal([{ refused: { lag: 1 } }]);
  });
});
