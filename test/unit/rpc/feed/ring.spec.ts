import { expect } from "chai";
import { createFrame } from "../../../../src/rpc/feed/frame.ts";
import { createRing } from "../../../../src/rpc/feed/ring.ts";

function frame(revision: number, events = 1, bodyLength = 0) {
  const event = { worldId: "w", worldSequence: 1, body: "x".repeat(bodyLength) };
  return createFrame("store", {
    revision,
    hash: `h${revision}`,
    previousHash: `h${revision - 1}`,
    events: Array.from({ length: events }, () => event),
  });
}

describe("the ring", () => {
  it("keeps the newest events", () => {
    const ring = createRing({ maxEvents: 10, maxBytes: 1e9 });
    ring.reset({ revision: 100, hash: "h100" });
    for (let revision = 101; revision <= 5_000; revision++) ring.push(frame(revision));
    expect(ring.head()).to.deep.equal({ revision: 5_000, hash: "h5000" });
    expect(ring.floor()).to.equal(4_990);
    for (let revision = 4_000; revision <= 5_001; revision++) {
      const isThere = revision > 4_990 && revision <= 5_000;
      expect(ring.at(revision)?.entry.revision).to.equal(isThere ? revision : undefined);
    }
  });

  it("counts the events of a commit, and a commit without events", () => {
    const ring = createRing({ maxEvents: 10, maxBytes: 1e9 });
    ring.push(frame(1, 0));
    ring.push(frame(2, 9));
    expect(ring.floor()).to.equal(0);
    ring.push(frame(3, 1));
    expect(ring.floor()).to.equal(1);
  });

  it("is bounded in bytes, also those that are added later, but keeps the newest commit whatever its size", () => {
    const ring = createRing({ maxEvents: 1_000, maxBytes: 10_000 });
    for (let revision = 1; revision <= 4; revision++) ring.push(frame(revision, 1, 1_000));
    expect(ring.floor()).to.equal(0);
    const newest = ring.at(4);
    if (newest !== undefined) newest.weight += 1e6;
    ring.reweigh();
    expect(ring.floor()).to.equal(3);
    expect(ring.at(4)).to.equal(newest);
  });

  it("forgets everything when it begins anew", () => {
    const ring = createRing({ maxEvents: 10, maxBytes: 1e9 });
    ring.push(frame(1));
    ring.reset({ revision: 50, hash: "other" });
    expect(ring.at(1)).to.equal(undefined);
    expect([ring.floor(), ring.head().revision]).to.deep.equal([50, 50]);
  });
});
