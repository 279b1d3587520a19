import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { createRefusalPace } from "../../../../src/rpc/edge/refusal-pace.ts";

describe("the pace of refusals", () => {
  let time = 0;
  let sent: number[] = [];

  beforeEach(() => {
    time = 0;
    sent = [];
  });

  function paceOf(maxWaiting: number) {
    const pace = createRefusalPace({ perSecond: 1000, burst: 3, maxWaiting, now: () => time });
    return (from: number, to: number) => {
      for (let n = from; n <= to; n++) pace.refuse(() => sent.push(n));
    };
  }

  async function untilSent(count: number): Promise<void> {
    while (sent.length < count) await sleep(1);
  }

  it("lets few leave at once, and the others in order as time goes by", async () => {
    const refuse = paceOf(100);
    refuse(1, 8);
    expect(sent).to.deep.equal([1, 2, 3]);
    time = 2;
    await untilSent(5);
    expect(sent).to.deep.equal([1, 2, 3, 4, 5]);
    time = 10;
    await untilSent(8);
    expect(sent).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it("lets nobody overtake one that waits", async () => {
    const refuse = paceOf(100);
    refuse(1, 4);
    time = 2;
    refuse(5, 5);
    expect(sent).to.deep.equal([1, 2, 3]);
    await untilSent(5);
    expect(sent).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it("holds no more than it may: the oldest leaves before its turn", async () => {
    const refuse = paceOf(2);
    refuse(1, 7);
    expect(sent).to.deep.equal([1, 2, 3, 4, 5]);
    time = 100;
    await untilSent(7);
  });

  it("gives those who wait all that a long turn has brought", async () => {
    const refuse = paceOf(100);
    refuse(1, 30);
    time = 20;
    await untilSent(23);
    expect(sent).to.have.length(23);
    time = 1_000;
    await untilSent(30);
  });

  it("lets one leave before its turn, and forgets one that is gone", async () => {
    const pace = createRefusalPace({ perSecond: 1000, burst: 1, maxWaiting: 100, now: () => time });
    const pending = [1, 2, 3, 4].map((n) => pace.refuse(() => sent.push(n)));
    pending[2]?.hurry();
    pending[2]?.hurry();
    pending[1]?.drop();
    expect(sent).to.deep.equal([1, 3]);
    time = 100;
    await untilSent(3);
    pending[1]?.hurry();
    expect(sent).to.deep.equal([1, 3, 4]);
  });

  it("saves up no more than a burst over a quiet time", async () => {
    const refuse = paceOf(100);
    time = 60_000;
    refuse(1, 5);
    expect(sent).to.deep.equal([1, 2, 3]);
    time += 100;
    await untilSent(5);
  });
});
