/** Links of README.md, the documentation and the examples: the file must exist, and so must the heading in it. */
import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import GithubSlugger from "github-slugger";
import MarkdownIt, { type Token } from "markdown-it";
import { SECTIONS } from "../../docs/.vitepress/pages.ts";
import { type Check, failed, passed, ROOT } from "./check.ts";
import { readTree } from "./directory.ts";

type Pages = ReadonlyMap<string, string>;

/** What pages name and only a build brings. */
const BUILT: ReadonlySet<string> = new Set(["docs/.vitepress/dist"]);

export const links: Check = {
  title: "links (README.md, docs, examples)",
  run() {
    const pages = readPages();
    const faults = [
      ...deadLinks(pages, (path) => BUILT.has(path) || existsSync(join(ROOT, path))),
      ...unlistedPages([...pages.keys()]),
    ];
    return faults.length === 0 ? passed() : failed(faults.join("\n"));
  },
};

function readPages(): Pages {
  const folders = ["docs/decisions", "docs/en", "docs/ko", "examples"].flatMap((folder) =>
    [...readTree(join(ROOT, folder))].map(([path, text]) => [`${folder}/${path}`, text] as const),
  );
  return new Map([
    ...["README.md", "docs/index.md"].map((path) => [path, readFileSync(join(ROOT, path), "utf8")] as const),
    ...folders.filter(([path]) => path.endsWith(".md")),
  ]);
}

/** One line per page of docs/en that the sidebar lacks, and per entry of the sidebar without a page. */
export function unlistedPages(paths: readonly string[]): readonly string[] {
  const listed = SECTIONS.flatMap(({ pages }) => pages.map(([path]) => `docs/en/${path}.md`));
  const written = paths.filter((path) => path.startsWith("docs/en/"));
  return [
    ...written.filter((path) => !listed.includes(path)).map((path) => `${path} is not in the sidebar`),
    ...listed.filter((path) => !written.includes(path)).map((path) => `${path} is in the sidebar only`),
  ];
}

const markdown = new MarkdownIt();
/** A path of the repository in code type: `src/rpc/errors.ts`. Patterns and placeholders are none. */
const REPOSITORY_PATH = /^(?:deploy|docs|examples|proto|scripts|src|test)\/[\w./-]+$/;

/**
 * One line per link that leads nowhere. Addresses on the net are not asked.
 *
 * @param pages path from the repository's root → Markdown.
 * @param exists whether a path from the repository's root exists.
 */
export function deadLinks(pages: Pages, exists: (path: string) => boolean): readonly string[] {
  const anchors = new Map([...pages].map(([path, text]) => [path, headingAnchors(text)]));
  return [...pages].flatMap(([page, text]) => [
    ...targets(text)
      .filter((target) => !/^[a-z]+:/.test(target))
      .flatMap((target) => fault(page, target, anchors, exists)),
    ...codePaths(text)
      .filter((path) => !exists(path))
      .map((path) => `${page}: ${path} does not exist`),
  ]);
}

function fault(
  page: string,
  target: string,
  anchors: ReadonlyMap<string, ReadonlySet<string>>,
  exists: (path: string) => boolean,
): readonly string[] {
  const [path = "", anchor] = decodeURI(target).split("#");
  const file = path === "" ? page : posix.join(posix.dirname(page), path);
  if (path.startsWith("/") || !exists(file)) return [`${page}: ${target} does not exist`];
  if (anchor === undefined || anchors.get(file)?.has(anchor)) return [];
  return [`${page}: ${target} has no such heading`];
}

function headingAnchors(text: string): ReadonlySet<string> {
  const slugger = new GithubSlugger();
  const tokens = markdown.parse(text, {});
  const headings = tokens.filter((_, index) => tokens[index - 1]?.type === "heading_open");
  return new Set(headings.map((heading) => slugger.slug(plainText(heading))));
}

function plainText({ children }: Token): string {
  return (children ?? []).map(({ content }) => content).join("");
}

function inlineTokens(text: string): readonly Token[] {
  return markdown.parse(text, {}).flatMap(({ children }) => children ?? []);
}

function targets(text: string): readonly string[] {
  return inlineTokens(text).flatMap((token) => token.attrGet("href") ?? token.attrGet("src") ?? []);
}

function codePaths(text: string): readonly string[] {
  return inlineTokens(text)
    .filter(({ type, content }) => type === "code_inline" && REPOSITORY_PATH.test(content))
    .map(({ content }) => content);
}
