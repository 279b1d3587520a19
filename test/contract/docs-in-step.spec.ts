import { expect } from "chai";
import { compareDocs, docsInStep } from "../../scripts/checks/docs-in-step.ts";

const pages = (text: string) => new Map([["guides/start.md", text]]);
const compare = (english: string, korean: string) => compareDocs(pages(english), pages(korean));

describe("the documentation in English and Korean", () => {
  it("has the same pages with the same outline", () => {
    expect(docsInStep.run()).to.deep.equal({ passed: true, output: "" });
  });

  it("may differ in every word", () => {
    const english = "# Start\n\nText.\n\n## Install\n\n```sh\nnpm ci\n```\n";
    const korean = "# 시작\n\n본문.\n\n더.\n\n## 설치\n\n```sh\nnpm ci # 설치\n```\n";
    expect(compare(english, korean)).to.deep.equal([]);
  });

  it("is out of step when a page is missing on either side", () => {
    expect(compareDocs(pages("# A"), new Map())).to.deep.equal(["docs/ko/guides/start.md is missing"]);
    expect(compareDocs(new Map(), pages("# A"))).to.deep.equal(["docs/en/guides/start.md is missing"]);
  });

  it("is out of step when a heading has another level", () => {
    const expected = ["guides/start.md: docs/en has ## at line 2, docs/ko has ### at line 2"];
    expect(compare("# A\n## B", "# 가\n### 나")).to.deep.equal(expected);
  });

  it("is out of step when a heading or a code block is missing at the end", () => {
    expect(compare("# A\n## B", "# 가")).to.have.length(1);
    expect(compare("# A", "# 가\n```\nx\n```")).to.have.length(1);
  });

  it("is out of step when the code differs, or what the code is said to be", () => {
    const page = (info: string, code: string) => `# A\n\n\`\`\`${info}\n${code}\n\`\`\`\n`;
    const expected = ["guides/start.md: the code blocks at lines 3 and 3 differ"];
    expect(compare(page("sh", "npm ci"), page("sh", "npm install"))).to.deep.equal(expected);
    expect(compare(page("sh", "npm ci"), page("sh no-run: needs docker", "npm ci"))).to.deep.equal(expected);
    expect(compare(page("yaml", "a: 1 # one"), page("yaml", "# 하나\na: 1"))).to.deep.equal([]);
    expect(compare(page("mermaid", "a --> b[one]"), page("mermaid", "a --> b[하나]"))).to.deep.equal([]);
  });

  it("does not take a comment inside a code block for a heading, nor its end for a second block", () => {
    expect(compare("# A\n````sh\n# x\n```\n# y\n````\n", "# 가\n~~~~sh\n```\n~~~~\n")).to.deep.equal([]);
  });
});
