import { expect } from "chai";
import { compareUtf8, sortedByKey } from "../../../src/domain/text.ts";

describe("comparing texts by their UTF-8 bytes", () => {
  const SAMPLES = [
    "",
    "10",
    "2",
    "A",
    "a",
    "aa",
    "é",
    "\u{d7ff}",
    "\u{e000}",
    "\u{ffff}",
    "\u{10000}",
    "😀",
    "😀a",
  ];

  it("orders every pair as their encoded bytes are ordered", () => {
    for (const a of SAMPLES) {
      for (const b of SAMPLES) {
        const expected = Buffer.compare(Buffer.from(a), Buffer.from(b));
        expect(Math.sign(compareUtf8(a, b)), `${JSON.stringify(a)} to ${JSON.stringify(b)}`).to.equal(
          expected,
        );
      }
    }
  });

  it("puts emoji behind the last character of the basic plane", () => {
    expect([
      ...sortedByKey([
        ["😀", 1],
        ["\u{ffff}", 2],
        ["\u{fb00}", 3],
      ]).keys(),
    ]).to.deep.equal(["\u{fb00}", "\u{ffff}", "😀"]);
  });
});
