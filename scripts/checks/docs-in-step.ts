/** docs/ko mirrors docs/en: the same paths, and in each page the same headings and the same code, comments aside. */
import { join } from "node:path";
import MarkdownIt from "markdown-it";
import { type Check, failed, passed, ROOT } from "./check.ts";
import { readTree, unpairedPaths } from "./directory.ts";

export const docsInStep: Check = {
  title: "docs in step (docs/en and docs/ko)",
  run() {
    const faults = compareDocs(readTree(join(ROOT, "docs/en")), readTree(join(ROOT, "docs/ko")));
    return faults.length === 0 ? passed() : failed(faults.join("\n"));
  },
};

type Pages = ReadonlyMap<string, string>;

/** One line per difference; texts may differ in everything but their outline and their code. */
export function compareDocs(english: Pages, korean: Pages): readonly string[] {
  const unpaired = unpairedPaths({ name: "docs/en", files: english }, { name: "docs/ko", files: korean });
  const differences = [...english].flatMap(([path, text]) => {
    const mirrored = korean.get(path);
    return mirrored === undefined || !path.endsWith(".md")
      ? []
      : comparePage(path, outline(text), outline(mirrored));
  });
  return [...unpaired, ...differences];
}

interface Entry {
  /** `##`, or `code block`. */
  readonly mark: string;
  readonly line: number;
  /** Of a code block: its info string and what is in it. */
  readonly code?: string;
}

function comparePage(path: string, english: readonly Entry[], korean: readonly Entry[]): readonly string[] {
  for (let index = 0; index < Math.max(english.length, korean.length); index++) {
    const [en, ko] = [english[index], korean[index]];
    // The first difference only: everything after it is shifted and says nothing new.
    if (en?.mark !== ko?.mark) return [`${path}: docs/en has ${describe(en)}, docs/ko has ${describe(ko)}`];
    if (en?.code !== ko?.code)
      return [`${path}: the code blocks at lines ${en?.line} and ${ko?.line} differ`];
  }
  return [];
}

function describe(entry: Entry | undefined): string {
  return entry === undefined ? "nothing more" : `${entry.mark} at line ${entry.line}`;
}

const markdown = new MarkdownIt();

/** Headings and fenced code blocks in order; what looks like a heading inside a block is none. */
function outline(text: string): readonly Entry[] {
  return markdown.parse(text, {}).flatMap(({ type, markup, map, info, content }): Entry[] => {
    const line = (map?.[0] ?? 0) + 1;
    if (type === "heading_open") return [{ mark: markup, line }];
    return type === "fence" ? [{ mark: "code block", line, code: comparable(info, content) }] : [];
  });
}

/**
 * What must be equal in both languages: of a diagram its shape, since its labels are words; of everything else all but
 * the comments.
 */
function comparable(info: string, content: string): string {
  if (info.trim() === "mermaid") return info.trim();
  const code = content.split("\n").map((line) => line.replace(/(^|\s)(?:#|\/\/) .*$/, "").trimEnd());
  return [info.trim(), ...code.filter((line) => line !== "")].join("\n");
}
