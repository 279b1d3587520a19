/** Parts of Markdown pages that are written from the code: between two markers, checked or rewritten as a whole. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

export interface GeneratedBlock {
  /** Path of the page from the repository's root. */
  readonly page: string;
  /** Name in the markers: `<!-- begin generated: name -->` … `<!-- end generated: name -->`. */
  readonly name: string;
  /** Markdown of the block, without markers. */
  readonly text: string;
}

/**
 * Runs a script that owns blocks: with `--write` it brings the pages up to date, without it says which are not and
 * sets exit code 1.
 *
 * @param script name under which npm runs it.
 */
export function checkOrWrite(script: string, blocks: readonly GeneratedBlock[]): void {
  const stale = blocks.filter((block) => !isCurrent(block));
  if (process.argv.includes("--write")) {
    for (const block of stale)
      writeFileSync(pathOf(block), withBlock(readFileSync(pathOf(block), "utf8"), block));
    return;
  }
  for (const { page, name } of stale) console.error(`${page}: the block "${name}" is out of date`);
  if (stale.length === 0) return;
  console.error(`Run \`npm run ${script}\` and commit the pages.`);
  process.exitCode = 1;
}

/** `page` with its block replaced. @throws Error when a marker is missing. */
export function withBlock(page: string, { name, text, page: path }: GeneratedBlock): string {
  const [begin, end] = [`<!-- begin generated: ${name} -->`, `<!-- end generated: ${name} -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${path} has no block between ${begin} and ${end}`);
  return `${page.slice(0, from + begin.length)}\n\n${text.trim()}\n\n${page.slice(to)}`;
}

function isCurrent(block: GeneratedBlock): boolean {
  const page = readFileSync(pathOf(block), "utf8");
  return page === withBlock(page, block);
}

function pathOf({ page }: GeneratedBlock): string {
  return join(ROOT, page);
}

/** A Markdown table; a `|` inside a cell is written so that it stays in its cell. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}
