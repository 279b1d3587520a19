import { expect } from "chai";
import { InvalidArgumentError } from "commander";
import { looksLikeCsv, positionsFromCsv } from "../../../src/cli/worldctl/csv.ts";
import { names, ratios, readInput, texts } from "../../../src/cli/worldctl/input.ts";
import { type Io, UsageError } from "../../../src/cli/worldctl/io.ts";

const HEADER = "world_id,strategy_id,symbol,venue,qty,mark";

function ioWith(files: Readonly<Record<string, string>>, input = ""): Io {
  const output = { isTerminal: false, write: async () => {} };
  return {
    out: output,
    err: output,
    readInput: async () => input,
    readFile: async (path) => {
      const text = new Map(Object.entries(files)).get(path);
      if (text === undefined) throw new Error(`ENOENT: ${path}`);
      return text;
    },
    wantsColor: false,
    signal: new AbortController().signal,
  };
}

describe("positions from CSV", () => {
  it("come in the order of the file; no venue and an empty one are none", () => {
    const text = `\ufeff${HEADER}\r\nalpha,trend,XLK,,1000,280.15\r\n\r\nalpha,carry,BTC,binance,-1.5e-3,6e4\r\n`;
    expect(positionsFromCsv(text)).to.deep.equal([
      { worldId: "alpha", strategyId: "trend", symbol: "XLK", qty: 1000, mark: 280.15 },
      { worldId: "alpha", strategyId: "carry", symbol: "BTC", venue: "binance", qty: -0.0015, mark: 60_000 },
    ]);
    const reordered = "mark,qty,symbol,strategy_id,world_id\n2,1,A,s,w";
    expect(positionsFromCsv(reordered)).to.deep.equal([
      { worldId: "w", strategyId: "s", symbol: "A", qty: 1, mark: 2 },
    ]);
  });

  it("may have quotes, commas and line ends in values", () => {
    const [row] = positionsFromCsv(`${HEADER}\n"a, ""b""",s,"X\nY",v,1,2\n`);
    expect(row).to.include({ worldId: 'a, "b"', symbol: "X\nY" });
  });

  const faults: readonly (readonly [string, string, string])[] = [
    ["a missing column", "world_id,symbol,qty,mark\nw,A,1,2", "must name the columns"],
    ["an unknown column", `${HEADER},price\nw,s,A,,1,2,3`, "must name the columns"],
    ["a column named twice", `${HEADER},qty\nw,s,A,,1,2,3`, "must name the columns"],
    ["a row that is too short", `${HEADER}\nw,s,A,,1,2\nw,s,A,1,2`, "CSV line 3: 5 values for 6 columns"],
    ["a quantity that is empty", `${HEADER}\nw,s,A,,,2`, "CSV line 2, column qty"],
    ["a mark that is no number", `${HEADER}\nw,s,A,,1,"1,5"`, "CSV line 2, column mark"],
    ["a number beyond all doubles", `${HEADER}\nw,s,A,,1e999,2`, "column qty"],
    ["a hexadecimal number", `${HEADER}\nw,s,A,,0x10,2`, "column qty"],
    ["a quote that is not closed", `${HEADER}\nw,"s,A,,1,2`, "CSV line 2: a quote"],
    ["a quote within a value", `${HEADER}\nw,s"s",A,,1,2`, "CSV line 2: a quote"],
  ];
  for (const [what, text, message] of faults) {
    it(`refuse ${what}`, () => {
      expect(() => positionsFromCsv(text)).to.throw(UsageError, message);
    });
  }
});

describe("what commands are given", () => {
  const document = { totalEquity: 1, worldAllocAfter: { "10": 0.5, NO: 0.25 } };
  const yaml = "totalEquity: 1\nworldAllocAfter:\n  10: 0.5\n  NO: 0.25\n";

  it("is read by its ending, or by its content from standard input", async () => {
    const csv = `${HEADER}\nw,s,A,,1,2`;
    const files = {
      "a.json": JSON.stringify(document),
      "a.yaml": yaml,
      "a.yml": yaml,
      "a.csv": csv,
      plain: csv,
    };
    for (const name of ["a.json", "a.yaml", "a.yml"]) {
      expect(await readInput(name, ioWith(files))).to.deep.equal({ kind: "document", document });
    }
    for (const name of ["a.csv", "plain"]) {
      expect((await readInput(name, ioWith(files))).kind).to.equal("positions");
    }
    for (const text of [JSON.stringify(document), yaml]) {
      expect(await readInput("-", ioWith({}, text))).to.deep.equal({ kind: "document", document });
    }
    expect((await readInput("-", ioWith({}, csv))).kind).to.equal("positions");
    expect((await readInput("-", ioWith({}, "[]"))).kind).to.equal("positions");
    expect(looksLikeCsv("world_id: alpha, beta")).to.equal(false);
  });

  const faults: readonly (readonly [string, string, string])[] = [
    ["a file that is not there", "missing.json", "cannot read missing.json"],
    ["broken JSON", "broken.json", "broken.json is no JSON"],
    ["broken YAML", "broken.yaml", "neither JSON nor YAML"],
    ["a document that is only a text", "text.yaml", "neither an object nor a list"],
    ["nothing", "empty.yaml", "neither an object nor a list"],
  ];
  for (const [what, path, message] of faults) {
    it(`is refused when it is ${what}`, async () => {
      const files = { "broken.json": "{", "broken.yaml": "a: [", "text.yaml": "hello", "empty.yaml": "" };
      const error = await readInput(path, ioWith(files)).then(
        () => expect.fail("it was read"),
        (reason: unknown) => reason,
      );
      expect(error).to.be.instanceOf(UsageError);
      expect((error as Error).message).to.contain(message);
    });
  }

  it("may be pairs, apart by commas or given again; the last = divides", () => {
    expect(ratios("b=0.25", ratios("a=0.5,x=y=1"))).to.deep.equal({ a: 0.5, "x=y": 1, b: 0.25 });
    expect(texts("alpha=sha256:1")).to.deep.equal({ alpha: "sha256:1" });
    expect(names("c", names("a,b"))).to.deep.equal(["a", "b", "c"]);
    for (const wrong of ["alpha", "=1", "alpha=", "alpha=x", "alpha=NaN"]) {
      expect(() => ratios(wrong)).to.throw(InvalidArgumentError);
    }
  });
});
