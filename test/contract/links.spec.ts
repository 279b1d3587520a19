import { expect } from "chai";
import { deadLinks, links, unlistedPages } from "../../scripts/checks/links.ts";

const FILES = new Set(["docs/en/a.md", "docs/en/b.md", "docs/ko/a.md", "src/main.ts"]);
const check = (pages: Readonly<Record<string, string>>) =>
  deadLinks(new Map(Object.entries(pages)), (path) => FILES.has(path));

describe("the links of the documentation", () => {
  it("all lead somewhere", () => {
    expect(links.run()).to.deep.equal({ passed: true, output: "" });
  });

  it("may name a page, a heading in it, a heading of the same page, or an address on the net", () => {
    const text =
      "# One\n\n[b](b.md) [two](b.md#two-or-more) [own](#one) [ko](../ko/a.md) [net](https://example.com/x#y)\n";
    expect(check({ "docs/en/a.md": text, "docs/en/b.md": "# B\n## Two, or `more`\n" })).to.deep.equal([]);
  });

  it("are dead without the file, or without the heading", () => {
    expect(check({ "docs/en/a.md": "[x](c.md)" })).to.deep.equal(["docs/en/a.md: c.md does not exist"]);
    expect(check({ "docs/en/a.md": "[x](/docs/en/b.md)" })).to.have.length(1);
    const wrong = { "docs/en/a.md": "[x](b.md#three)", "docs/en/b.md": "# B\n\n```sh\n# three\n```\n" };
    expect(check(wrong)).to.deep.equal(["docs/en/a.md: b.md#three has no such heading"]);
  });

  it("know Korean headings and headings that come twice", () => {
    const text = "# 가 나\n## 다\n## 다\n\n[x](#가-나) [y](#다-1) [z](#다-2)";
    expect(check({ "docs/ko/a.md": text })).to.deep.equal(["docs/ko/a.md: #%EB%8B%A4-2 has no such heading"]);
  });

  it("are not looked for in code, but paths of the repository in code type must exist", () => {
    const text = "`[x](c.md)`, `src/main.ts`, `src/gone.ts`\n\n```md\n[x](c.md)\n```\n";
    expect(check({ "docs/en/a.md": text })).to.deep.equal(["docs/en/a.md: src/gone.ts does not exist"]);
  });
});

describe("the sidebar", () => {
  it("has every page once it is written", () => {
    const faults = unlistedPages(["README.md", "docs/en/index.md", "docs/en/new.md"]);
    expect(faults).to.include("docs/en/new.md is not in the sidebar");
    expect(faults).to.include("docs/en/glossary.md is in the sidebar only");
  });
});
