import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { CODE } from "../../../src/adapters/redis/codes.ts";
import { loadScripts, SCRIPT_NAMES } from "../../../src/adapters/redis/scripts.ts";

const FOLDER = join(import.meta.dirname, "../../../src/adapters/redis/scripts");

describe("Redis scripts", () => {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith(".lua"));

  it("are all known to the loader", () => {
    expect(files.map((file) => file.slice(0, -".lua".length)).toSorted()).to.deep.equal(
      SCRIPT_NAMES.toSorted(),
    );
  });

  for (const name of SCRIPT_NAMES) {
    describe(name, () => {
      const text = readFileSync(join(FOLDER, `${name}.lua`), "utf8");
      const header = /^#!lua[^\n]*\n--\[\[(.*?)\]\]/s.exec(text)?.[1] ?? "";
      const code = text.slice(text.indexOf("]]"));
      const highest = (part: string) =>
        Math.max(0, ...[...part.matchAll(/KEYS\[(\d+)\]/g)].map((hit) => Number(hit[1])));

      it("has a header with purpose, keys, arguments and returns", () => {
        expect(header).to.match(/\S.*KEYS.*ARGV.*Returns/s);
      });

      it("names as many keys in its header as in its name", () => {
        const arity = /-(\d+|n)$/.exec(name)?.[1];
        if (arity === "n") expect(header).to.contain("further KEYS");
        else {
          expect(highest(header)).to.equal(Number(arity));
          expect(header).not.to.contain("further KEYS");
        }
        expect(highest(code)).to.be.at.most(highest(header));
      });

      it("returns no negative code that has no name, and documents those it returns", () => {
        const returned = [...code.matchAll(/(?:\{ |return )(-\d+)\b/g)].map((hit) => Number(hit[1]));
        expect(Object.values(CODE)).to.include.members(returned);
        for (const value of returned) expect(header).to.contain(String(value));
      });

      it("has all its includes in place", () => {
        expect(loadScripts()[name].source).not.to.contain("--@include");
      });
    });
  }
});
