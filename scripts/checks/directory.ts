import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

/** All files below `root` as path (with `/`) → text; empty when there is no such directory. */
export function readTree(root: string): ReadonlyMap<string, string> {
  if (!existsSync(root)) return new Map();
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).toSorted();
  return new Map(
    paths.map((path) => [relative(root, path).replaceAll(sep, "/"), readFileSync(path, "utf8")]),
  );
}

/** One line for each path that only one of the trees has. */
export function unpairedPaths(
  left: { readonly name: string; readonly files: ReadonlyMap<string, string> },
  right: { readonly name: string; readonly files: ReadonlyMap<string, string> },
): readonly string[] {
  const missing = (from: typeof left, to: typeof left) =>
    [...from.files.keys()]
      .filter((path) => !to.files.has(path))
      .map((path) => `${to.name}/${path} is missing`);
  return [...missing(left, right), ...missing(right, left)];
}
