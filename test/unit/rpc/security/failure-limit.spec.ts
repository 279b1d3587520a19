import { expect } from "chai";
import { createFailureLimit, networkOf } from "../../../../src/rpc/security/failure-limit.ts";

describe("the limit on failed authentications", () => {
  let nowMs = 0;
  const limit = () => createFailureLimit(4, () => nowMs);

  it("counts failures per address, and lets one more through for every part of a second", () => {
    const { judge } = limit();
    const tries = Array.from({ length: 5 }, () => judge("192.0.2.1", undefined));
    expect(tries).to.deep.equal([undefined, undefined, undefined, undefined, 250]);
    expect(judge("192.0.2.2", undefined)).to.equal(undefined);
    nowMs += 250;
    expect(judge("192.0.2.1", undefined)).to.equal(undefined);
    expect(judge("192.0.2.1", undefined)).to.equal(250);
  });

  it("refuses a right guess like a wrong one while an address is over its limit", () => {
    const { judge } = limit();
    for (let n = 0; n < 4; n++) judge("192.0.2.1", undefined);
    expect(judge("192.0.2.1", "token:a")).to.equal(judge("192.0.2.1", undefined)).and.not.equal(undefined);
    expect(judge("192.0.2.2", "token:a")).to.equal(undefined);
  });

  it("leaves those alone who succeeded from there before", () => {
    const { judge } = limit();
    expect(judge("192.0.2.1", "token:a")).to.equal(undefined);
    for (let n = 0; n < 9; n++) judge("192.0.2.1", undefined);
    expect(judge("192.0.2.1", "token:a")).to.equal(undefined);
    expect(judge("192.0.2.1", "token:b")).not.to.equal(undefined);
  });

  it("counts success as nothing, however much of it there is", () => {
    const { judge } = limit();
    for (let n = 0; n < 100; n++) expect(judge("192.0.2.1", `token:${n}`)).to.equal(undefined);
  });

  it("forgets the addresses that were quiet for longest", () => {
    const { judge } = limit();
    for (let n = 0; n < 5; n++) judge("first", undefined);
    expect(judge("first", undefined)).not.to.equal(undefined);
    for (let n = 0; n < 10_000; n++) judge(`address-${n}`, undefined);
    expect(judge("first", undefined)).to.equal(undefined);
  });

  it("takes a /64 of IPv6 for one address, and IPv4 as it is", () => {
    for (const [address, network] of [
      ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
      ["2001:db8:1:2::9", "2001:db8:1:2"],
      ["2001:db8::9", "2001:db8:0:0"],
      ["::1", "0:0:0:0"],
      ["fe80::1%eth0", "fe80:0:0:0"],
      ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
      ["192.0.2.1", "192.0.2.1"],
      ["", ""],
    ] as const) {
      expect(networkOf(address), address).to.equal(network);
    }
  });
});
