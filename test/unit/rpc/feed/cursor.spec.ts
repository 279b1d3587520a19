import { expect } from "chai";
import fc from "fast-check";
import { DomainError } from "../../../../src/domain/errors.ts";
import { decodeCursor, encodeCursor } from "../../../../src/rpc/feed/cursor.ts";

const HASH = "0123456789abcdef0123456789abcdef01234567";

function isRefused(text: string): boolean {
  try {
    decodeCursor(text);
    return false;
  } catch (error) {
    return error instanceof DomainError && error.reason === "CURSOR_INVALID";
  }
}

describe("a cursor", () => {
  it("reads back as it was made", () => {
    const cursors = [
      { storeId: "s", revision: 0, hash: "" },
      { storeId: "저장소", revision: 1, hash: HASH },
      { storeId: "f".repeat(32), revision: Number.MAX_SAFE_INTEGER, hash: HASH },
    ];
    for (const cursor of cursors) expect(decodeCursor(encodeCursor(cursor))).to.deep.equal(cursor);
  });

  it("is safe in a URL and a header", () => {
    expect(encodeCursor({ storeId: "s", revision: 7, hash: HASH })).to.match(/^[A-Za-z0-9_-]+$/);
  });

  it("refuses a single changed character anywhere", () => {
    const cursor = encodeCursor({ storeId: "store", revision: 12, hash: HASH });
    for (let at = 0; at < cursor.length; at++) {
      const other = cursor[at] === "A" ? "B" : "A";
      expect(isRefused(cursor.slice(0, at) + other + cursor.slice(at + 1)), `at ${at}`).to.equal(true);
    }
  });

  it("refuses any text that it did not make", () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), isRefused));
    fc.assert(fc.property(fc.base64String({ maxLength: 200 }), isRefused));
  });
});
