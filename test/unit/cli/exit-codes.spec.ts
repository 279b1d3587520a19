import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { EXIT, exitCodeOf } from "../../../src/cli/worldctl/exit-codes.ts";
import { failureOf } from "../../../src/cli/worldctl/failure.ts";
import { nextStep } from "../../../src/cli/worldctl/next-steps.ts";
import { codeName } from "../../../src/client/index.ts";
import { CODE_BY_REASON } from "../../../src/rpc/errors.ts";

const ALL_CODES = Object.values(Code).filter((code): code is Code => typeof code === "number");

describe("exit codes of worldctl", () => {
  for (const language of ["en", "ko"]) {
    it(`stand in the reference page (${language}), code by code`, () => {
      const page = readFileSync(
        join(import.meta.dirname, `../../../docs/${language}/reference/cli.md`),
        "utf8",
      );
      const rows = [...page.matchAll(/^\| `(\d)` \| ([^|]*)\|/gm)].map(
        ([, exit, text = ""]) =>
          [Number(exit), [...text.matchAll(/`([A-Z_]{3,})`/g)].map((m) => m[1])] as const,
      );
      const documented = new Map(rows.flatMap(([exit, codes]) => codes.map((code) => [code, exit] as const)));
      const actual = new Map(ALL_CODES.map((code) => [codeName(code), exitCodeOf(code)] as const));
      expect(new Map([...documented].toSorted())).to.deep.equal(new Map([...actual].toSorted()));
      expect(rows.map(([exit]) => exit)).to.deep.equal(Object.values(EXIT));
    });
  }

  it("follow the gRPC code of every reason, and every reason has a next step", () => {
    for (const [reason, code] of Object.entries(CODE_BY_REASON)) {
      expect(nextStep(reason), reason).to.be.a("string");
      expect(exitCodeOf(code), reason).not.to.equal(EXIT.other);
    }
  });

  it("are 1 for what nobody foresaw, and its text is told", () => {
    expect(failureOf(new Error("odd"), "x")).to.include({ exitCode: 1, text: "worldctl: odd" });
  });
});
