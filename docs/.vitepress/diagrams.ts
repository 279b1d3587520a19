/** Mermaid blocks become SVG while the site is built: no script in the reader's browser, and nothing is loaded. */
import { renderMermaidSVG } from "beautiful-mermaid";
import type { MarkdownRenderer } from "vitepress";

/** Colours of the page, so that a diagram follows the switch between light and dark. */
const COLOURS = {
  bg: "var(--vp-c-bg)",
  fg: "var(--vp-c-text-1)",
  line: "var(--vp-c-text-2)",
  accent: "var(--vp-c-text-2)",
  muted: "var(--vp-c-text-2)",
  surface: "var(--vp-c-bg-soft)",
  border: "var(--vp-c-divider)",
  font: "var(--vp-font-family-base)",
  padding: 8,
  transparent: true,
};

export function renderDiagrams(markdown: MarkdownRenderer): void {
  const renderCode = markdown.renderer.rules.fence;
  if (renderCode === undefined) throw new Error("Markdown has no renderer of code blocks");
  markdown.renderer.rules.fence = (tokens, index, ...rest) => {
    const token = tokens[index];
    return token?.info.trim() === "mermaid" ? diagram(token.content) : renderCode(tokens, index, ...rest);
  };
}

/** The page is a Vue template, where a `style` tag is refused; the fonts it would fetch are the page's own instead. */
function diagram(source: string): string {
  const svg = renderMermaidSVG(source, COLOURS)
    .replaceAll(/^\s*@import .*$/gm, "")
    .replaceAll("'var(--vp-font-family-base)'", "var(--vp-font-family-base)")
    .replace("<style>", `<component is="style">`)
    .replace("</style>", "</component>");
  return `<div class="diagram">${svg}</div>\n`;
}
