import { expect } from "chai";
import type { MarkdownRenderer } from "vitepress";
import { renderDiagrams } from "../../docs/.vitepress/diagrams.ts";

describe("the diagrams of the documentation site", () => {
  let markdown: MarkdownRenderer;
  before(async () => {
    // What VitePress bundles uses deprecated parts of Node, which is no concern of these tests.
    const before = process.noDeprecation;
    process.noDeprecation = true;
    const { createMarkdownRenderer } = await import("vitepress");
    markdown = await createMarkdownRenderer(".", { config: renderDiagrams });
    process.noDeprecation = before ?? false;
  });
  it("are drawn while the site is built, in the colours of the page, and load nothing", () => {
    const html = markdown.render('```mermaid\nflowchart LR\n  a["one"] --> b["하나"]\n```\n');
    expect(html)
      .to.match(/^<div class="diagram"><svg /)
      .and.contain("하나")
      .and.contain("var(--vp-c-bg)");
    // A Vue template takes no style element, and a reader may be offline.
    expect(html).to.not.contain("<style").and.not.contain("@import").and.not.contain("fonts.");
  });

  it("leave other code alone", () => {
    expect(markdown.render("```sh\nnpm ci\n```\n")).to.contain("language-sh").and.not.contain("diagram");
  });

  it("are refused when they are none", () => {
    expect(() => markdown.render("```mermaid\nnot a diagram\n```\n")).to.throw("Invalid mermaid header");
  });
});
