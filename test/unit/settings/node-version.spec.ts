import { expect } from "chai";
import { MINIMUM_NODE, nodeVersionProblem } from "../../../src/settings/node-version.ts";

describe("nodeVersionProblem", () => {
  for (const version of [
    MINIMUM_NODE,
    "24.18.2",
    "24.21.0",
    "25.0.0",
    "100.0.0",
    "24.19.0-nightly20260101",
  ]) {
    it(`accepts ${version}`, () => {
      expect(nodeVersionProblem(version)).to.equal(undefined);
    });
  }

  for (const version of ["24.18.0", "24.9.9", "22.22.0", "20.20.2", "9.99.99", "24", ""]) {
    it(`refuses "${version}" and names both versions`, () => {
      expect(nodeVersionProblem(version)).to.include(MINIMUM_NODE).and.include(`this is ${version}`);
    });
  }
});
