import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A script as Redis gets it: included functions in place, and the SHA-1 under which Redis knows it. */
export interface Script {
  readonly name: string;
  readonly source: string;
  readonly sha: string;
}

/** Named `verb-noun-<number of keys>`, n where it depends on the call. */
export const SCRIPT_NAMES = [
  "open-book-1",
  "mint-store-1",
  "read-docs-n",
  "list-docs-2",
  "find-run-2",
  "acquire-locks-n",
  "renew-locks-1",
  "release-locks-1",
  "append-commits-n",
  "read-log-2",
  "find-hash-2",
  "trim-log-2",
] as const;

export type ScriptName = (typeof SCRIPT_NAMES)[number];

export type Scripts = Readonly<Record<ScriptName, Script>>;

const INCLUDE = /^--@include ([a-z-]+)$/gm;

/** Reads all scripts from `scripts/`. */
export function loadScripts(): Scripts {
  return Object.fromEntries(SCRIPT_NAMES.map((name) => [name, loadScript(name)])) as Scripts;
}

function loadScript(name: ScriptName): Script {
  const source = read(`${name}.lua`).replace(INCLUDE, (_, include: string) =>
    read(`includes/${include}.lua`),
  );
  return { name, source, sha: createHash("sha1").update(source, "utf8").digest("hex") };
}

function read(file: string): string {
  return readFileSync(join(import.meta.dirname, "scripts", file), "utf8");
}
