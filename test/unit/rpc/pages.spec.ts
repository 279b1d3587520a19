import { expect } from "chai";
import { DomainError } from "../../../src/domain/errors.ts";
import { fromPageToken, toPageToken } from "../../../src/rpc/pages.ts";

const token = (position: unknown): string => Buffer.from(JSON.stringify(position)).toString("base64url");

function refusal(text: string): unknown {
  try {
    return fromPageToken(text, [0, ""]);
  } catch (error) {
    return error instanceof DomainError ? error.violations[0]?.field : error;
  }
}

describe("page tokens", () => {
  it("give back the position they were made of", () => {
    expect(fromPageToken(toPageToken([7, "run"]), [0, ""])).to.deep.equal([7, "run"]);
    expect(fromPageToken("", [0, ""])).to.equal(undefined);
    expect(toPageToken(undefined)).to.equal("");
  });

  it("are refused when they are of another list or no token at all", () => {
    for (const other of [token([7]), token([7, 7]), token(["run", 7]), token({}), token(null), "%", "x"]) {
      expect(refusal(other), other).to.equal("page_token");
    }
  });

  it("are refused when a number in them is none that a store counts with", () => {
    for (const number of [-1, 1.5, 1e308, 2 ** 53]) {
      expect(refusal(token([number, "run"])), String(number)).to.equal("page_token");
    }
  });
});
