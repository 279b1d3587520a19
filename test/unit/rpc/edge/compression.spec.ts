import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { boundedCompressions } from "../../../../src/rpc/edge/compression.ts";

const LIMIT = 1 << 20;
const PLAIN = randomBytes(100_000);
const PACKED = Uint8Array.from(gzipSync(PLAIN));

function gzip(atOnce: number, mostWaiting: number) {
  const [found] = boundedCompressions(atOnce, mostWaiting);
  return found ?? expect.fail("no gzip");
}

describe("the compressions of the edge", () => {
  it("unpack what waits in its turn, and refuse what is too many", async () => {
    const { decompress } = gzip(1, 2);
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => decompress(PACKED, LIMIT)));
    const [done, refused] = ["fulfilled", "rejected"].map((status) =>
      outcomes.filter((outcome) => outcome.status === status),
    );
    expect(done).to.have.length(3);
    for (const outcome of refused ?? []) {
      expect(outcome).to.have.nested.property("reason.code", Code.ResourceExhausted);
    }
    expect(Buffer.from(await decompress(PACKED, LIMIT))).to.deep.equal(PLAIN);
  });

  it("give the place back after a message that is none, or too large", async () => {
    const { decompress } = gzip(1, 1);
    for (const [bytes, limit] of [
      [Uint8Array.from(PLAIN), LIMIT],
      [PACKED, 10],
    ] as const) {
      const outcome = await decompress(bytes, limit).then(
        () => "unpacked",
        () => "refused",
      );
      expect(outcome).to.equal("refused");
    }
    expect(await decompress(PACKED, LIMIT)).to.have.length(PLAIN.length);
  });

  it("let small messages pass however many wait", async () => {
    const { decompress } = gzip(0, 0);
    const small = Uint8Array.from(gzipSync("hello"));
    expect(Buffer.from(await decompress(small, LIMIT)).toString()).to.equal("hello");
  });
});
