import { expect } from "chai";
import { missingRows } from "../../scripts/checks/errors-page.ts";
import { markdownTable, withBlock } from "../../scripts/generated-block.ts";

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

describe("the check of the errors page", () => {
  it("misses a reason that is absent or stands under another code", () => {
    const rows = missingRows("");
    expect(rows).to.include("| `RUN_ID_REUSED` | ALREADY_EXISTS |").and.include("| `INTERNAL` | INTERNAL |");
    const page = rows.join("\n");
    expect(missingRows(page)).to.deep.equal([]);
    const wrong = page.replace("| `RUN_ID_REUSED` | ALREADY_EXISTS |", "| `RUN_ID_REUSED` | ABORTED |");
    expect(missingRows(wrong)).to.deep.equal(["| `RUN_ID_REUSED` | ALREADY_EXISTS |"]);
  });
});
