/** The code blocks of the pages, and what each is said to be: `sh`, `sh server`, `sh endless`, `sh no-run: reason`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import MarkdownIt from "markdown-it";
import { readTree } from "../../../scripts/checks/directory.ts";

export const ROOT = join(import.meta.dirname, "../../..");

export interface Block {
  readonly language: string;
  /** What stands behind the language: `server`, `no-run: needs Docker`, the message of a JSON block. */
  readonly mark: string;
  readonly code: string;
  readonly line: number;
}

export interface Page {
  /** From the repository's root. */
  readonly path: string;
  readonly blocks: readonly Block[];
}

/** Folders whose pages are tried. docs/ko is not among them: its blocks are those of docs/en, which a check sees to. */
const FOLDERS = ["docs/en", "docs/decisions", "examples"];

export function readPages(): readonly Page[] {
  const paths = FOLDERS.flatMap((folder) =>
    [...readTree(join(ROOT, folder)).keys()]
      .filter((path) => path.endsWith(".md"))
      .map((path) => `${folder}/${path}`),
  );
  return ["README.md", ...paths].map((path) => ({
    path,
    blocks: blocksOf(readFileSync(join(ROOT, path), "utf8")),
  }));
}

const markdown = new MarkdownIt();

export function blocksOf(text: string): readonly Block[] {
  return markdown
    .parse(text, {})
    .filter(({ type }) => type === "fence" || type === "code_block")
    .map(({ info, content, map }) => {
      const [language = "", ...mark] = info.trim().split(/\s+/);
      return { language, mark: mark.join(" "), code: content, line: (map?.[0] ?? 0) + 1 };
    });
}

/** Why a block is not run; undefined for one that is. */
export function whyNotRun({ mark }: Block): string | undefined {
  return /^no-run: (.+)$/.exec(mark)?.[1];
}

/** `--name value` and `--name=value` of `npm start -- …`, as flags. */
export function serverFlags({ code }: Block): Readonly<Record<string, string>> {
  const [, given] = /^npm start(?: -- (.*))?\n$/.exec(code) ?? [];
  if (given === undefined) throw new Error(`A server block is one \`npm start -- flags\`: ${code}`);
  const flags = [...given.matchAll(/--([a-z\d-]+)[ =](\S+)/g)];
  return Object.fromEntries(flags.map(([, name = "", value = ""]) => [name.replaceAll("-", "_"), value]));
}
