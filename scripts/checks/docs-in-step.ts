/** docs/ko mirrors docs/en: the same paths, and in each page the same outline of headings and code blocks. */
import { join } from "node:path";
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

/** One line per difference; texts may differ in everything but their outline. */
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
}

function comparePage(path: string, english: readonly Entry[], korean: readonly Entry[]): readonly string[] {
  for (let index = 0; index < Math.max(english.length, korean.length); index++) {
    const [en, ko] = [english[index], korean[index]];
    // The first difference only: everything after it is shifted and says nothing new.
    if (en?.mark !== ko?.mark) return [`${path}: docs/en has ${describe(en)}, docs/ko has ${describe(ko)}`];
  }
  return [];
}

function describe(entry: Entry | undefined): string {
  return entry === undefined ? "nothing more" : `${entry.mark} at line ${entry.line}`;
}

/** Headings (`#` to `######`) and fenced code blocks in order; what looks like a heading inside a block is none. */
function outline(text: string): readonly Entry[] {
  const entries: Entry[] = [];
  let fence: string | undefined;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== undefined) {
      if (mark?.startsWith(fence)) fence = undefined;
    } else if (mark !== undefined) {
      fence = mark;
      entries.push({ mark: "code block", line: index + 1 });
    } else {
      const heading = /^ {0,3}(#{1,6})\s/.exec(line)?.[1];
      if (heading !== undefined) entries.push({ mark: heading, line: index + 1 });
    }
  }
  return entries;
}
