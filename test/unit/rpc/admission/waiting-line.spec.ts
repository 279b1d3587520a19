import { expect } from "chai";
import { createWaitingLine } from "../../../../src/rpc/admission/waiting-line.ts";

describe("the line of mutations", () => {
  let time = 0;
  const lineOf = () => createWaitingLine({ mutations: 256, standingMutations: 64, lineMs: 250 }, () => time);

  beforeEach(() => {
    time = 0;
  });

  it("may be long for a crowd that comes at once, also after a quiet time", () => {
    const line = lineOf();
    time = 60_000;
    for (let waiting = 0; waiting < 224; waiting++) expect(line.most(waiting)).to.equal(256);
  });

  it("gets short while it does not end", () => {
    const line = lineOf();
    line.most(0);
    time = 250;
    expect(line.most(68)).to.equal(256);
    time = 251;
    expect(line.most(68)).to.equal(64);
    time = 60_000;
    expect(line.most(32)).to.equal(64);
  });

  it("never gets longer than it may be at most", () => {
    const line = createWaitingLine({ mutations: 4, standingMutations: 64, lineMs: 250 }, () => time);
    time = 1_000;
    expect(line.most(1)).to.equal(4);
  });

  it("may be long again once there was none", () => {
    const line = lineOf();
    time = 1_000;
    expect(line.most(1)).to.equal(64);
    expect(line.most(0)).to.equal(256);
    expect(line.most(1)).to.equal(256);
  });
});
