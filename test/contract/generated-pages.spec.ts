import { expect } from "chai";
import { markdownTable, withBlock } from "../../scripts/generated-block.ts";
import { contractFiles } from "../../scripts/reference/contract.ts";
import { ENGLISH, KOREAN } from "../../scripts/reference/error-texts.ts";
import { codeOf, errorsText } from "../../scripts/reference/errors.ts";
import { layOut } from "../../scripts/reference/layout.ts";
import { prose, WORDS } from "../../scripts/reference/markdown.ts";
import { servicesText, splitErrors } from "../../scripts/reference/pages.ts";
import { SERVICES } from "../../src/rpc/routes.ts";

const block = { page: "README.md", name: "methods", text: "new" };
const begin = "<!-- begin generated: methods -->";
const end = "<!-- end generated: methods -->";

describe("the generated parts of pages", () => {
  it("are replaced between their markers, and nothing else is", () => {
    const page = withBlock(`before\n${begin}\nold\n${end}\nafter\n`, block);
    expect(page).to.equal(`before\n${begin}\n\nnew\n\n${end}\nafter\n`);
    expect(withBlock(page, block)).to.equal(page);
  });

  it("are not written where a marker is missing or the markers are the wrong way round", () => {
    expect(() => withBlock(begin, block)).to.throw("README.md has no block");
    expect(() => withBlock(`${end}${begin}`, block)).to.throw("README.md has no block");
  });

  it("keep a bar inside a cell in its cell", () => {
    expect(markdownTable(["a"], [["x | y"]])).to.equal("| a |\n|---|\n| x \\| y |");
  });
});

describe("the table of errors", () => {
  const comments = new Map(
    [...ENGLISH.keys()].map((reason) => [
      reason,
      `${codeOf(reason)}: text. Metadata: \`a\`, the \`b\`. More.`,
    ]),
  );

  it("has every reason with its code and the keys that its comment names", () => {
    const table = errorsText(comments, ENGLISH, WORDS.en);
    expect(table).to.contain("| `RUN_ID_REUSED` | ALREADY_EXISTS | `a`, `b` | the run id belongs");
    expect(table).to.contain("| `CANCELED` | CANCELED |").and.not.contain("UNSPECIFIED");
  });

  it("is refused when a comment promises another code than the server sends", () => {
    const wrong = new Map([...comments, ["RUN_ID_REUSED", "ABORTED: taken."]]);
    expect(() => errorsText(wrong, ENGLISH, WORDS.en)).to.throw("RUN_ID_REUSED is sent as ALREADY_EXISTS");
  });

  it("is refused when a reason has no text in the language", () => {
    const some = new Map([...KOREAN].filter(([reason]) => reason !== "DRAINING"));
    expect(() => errorsText(comments, some, WORDS.ko)).to.throw("lacks the reason DRAINING");
  });
});

describe("the reference of the contract", () => {
  const layout = layOut(contractFiles());

  it("has every method that is served, and every type once", () => {
    const text = servicesText(layout, WORDS.en);
    for (const { typeName, methods } of SERVICES) {
      expect(text).to.contain(`## ${typeName}\n`);
      for (const { name } of methods) expect(text).to.contain(`### ${name}\n`);
    }
    const named = [...layout.events, ...layout.others].map(({ typeName }) => typeName);
    expect(new Set(named).size).to.equal(named.length);
  });

  it("takes the errors of a comment apart: code, reasons, advice over several lines", () => {
    const { text, errors } = splitErrors(
      "Does it.\n\nErrors:\n  NOT_FOUND  ERROR_REASON_X; look\n             again.\n  ABORTED    b\n",
    );
    expect(text).to.equal("Does it.");
    expect(errors).to.deep.equal([
      { code: "NOT_FOUND", text: "ERROR_REASON_X; look again." },
      { code: "ABORTED", text: "b" },
    ]);
  });

  it("writes what looks like a tag or emphasis as itself, except in code", () => {
    expect(prose("a <b> `c <d> *` 2 * 3 * 4")).to.equal("a &lt;b> `c <d> *` 2 \\* 3 \\* 4");
  });
});
