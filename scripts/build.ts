/**
 * `npm run build`: writes `dist/`, the package as others install it. Node strips no types below `node_modules`, so what
 * is published is JavaScript with declarations; everything inside this repository runs from the sources.
 *
 * The sources are copied first, with `#gen/…` and `#thirdparty/…` as relative paths: the compiler rewrites the endings
 * of relative imports only, and a browser's bundler then needs to know nothing of this package's own names.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { readTree } from "./checks/directory.ts";

const ROOT = join(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");
/** Inside the repository, so that packages are found from it. */
const STAGE = join(ROOT, ".build");

/** Folder of the repository → folder of the package. */
const TREES: ReadonlyMap<string, string> = new Map([
  ["src", "src"],
  ["gen", "gen"],
  [".thirdparty/gen", "thirdparty"],
]);

const OPTIONS = {
  noEmit: false,
  allowImportingTsExtensions: false,
  rewriteRelativeImportExtensions: true,
  declaration: true,
  outDir: DIST,
  rootDir: ".",
  types: ["node"],
};

function main(): number {
  rmSync(DIST, { recursive: true, force: true });
  rmSync(STAGE, { recursive: true, force: true });
  try {
    for (const [from, to] of TREES) stage(from, to);
    const config = { extends: "../tsconfig.json", compilerOptions: OPTIONS, include: [...TREES.values()] };
    writeFileSync(join(STAGE, "tsconfig.json"), JSON.stringify(config));
    // What the sources read of it is the version.
    const { name, version, type } = packageJson;
    writeFileSync(join(STAGE, "package.json"), JSON.stringify({ name, version, type }));
    const { status, error } = spawnSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", STAGE], {
      stdio: "inherit",
    });
    if (error !== undefined) throw error;
    if (status === 0) copyScripts();
    return status ?? 1;
  } finally {
    rmSync(STAGE, { recursive: true, force: true });
  }
}

function stage(from: string, to: string): void {
  for (const [path, text] of readTree(join(ROOT, from))) {
    if (!path.endsWith(".ts")) continue;
    const target = posix.join(to, path);
    mkdirSync(dirname(join(STAGE, target)), { recursive: true });
    writeFileSync(join(STAGE, target), withRelativeImports(text, target));
  }
}

function withRelativeImports(text: string, path: string): string {
  const up = posix.relative(posix.dirname(path), ".");
  return text.replaceAll('"#gen/', `"${up}/gen/`).replaceAll('"#thirdparty/', `"${up}/thirdparty/`);
}

/** What is read at run time, beside the module that reads it. */
function copyScripts(): void {
  const scripts = "src/adapters/redis/scripts";
  if (!existsSync(join(ROOT, scripts))) throw new Error(`${scripts} is not there any more: copy what is`);
  cpSync(join(ROOT, scripts), join(DIST, scripts), { recursive: true });
}

process.exitCode = main();
