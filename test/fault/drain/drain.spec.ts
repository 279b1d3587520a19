import { expect } from "chai";
import { endProcesses } from "../../integration/operations/support.ts";
import { redisUrl } from "../../support/redis.ts";
import { rollDrains, rollingFaults } from "./rolling.ts";

describe("rolling drains", () => {
  afterEach(endProcesses);

  it("fail no acknowledged call, leave no gap in the feed, and end every server with 0", async function () {
    this.timeout(120_000);
    const book = `drain-${process.pid}-${Date.now()}`;
    const result = await rollDrains({ redisUrl: redisUrl(), book, drains: 3, servers: 2, callers: 4 });
    expect(rollingFaults(result)).to.deep.equal([]);
    expect(result.acknowledged).to.be.above(0);
    expect(result.exits).to.have.length(5);
  });

  it("count as failed when a call, the feed or an exit is wrong", () => {
    const good = {
      drains: 1,
      acknowledged: 1,
      repeated: 0,
      failures: [],
      feedFaults: [],
      resumes: 0,
      exits: [0],
    };
    expect(rollingFaults(good)).to.deep.equal([]);
    for (const bad of [
      { failures: ["x"] },
      { feedFaults: ["x"] },
      { exits: [0, 1] },
      { exits: ["SIGKILL"] },
    ]) {
      expect(rollingFaults({ ...good, ...bad })).to.have.length(1);
    }
  });
});
