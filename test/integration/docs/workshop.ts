/**
 * A folder that looks like the repository to the commands of a page, and keeps what they write. Commands find the
 * page's server under the addresses that stand in the page.
 */
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { ROOT } from "./blocks.ts";

export interface Workshop {
  readonly folder: string;
  /** What the pages call it → what it is here: `127.0.0.1:50051` → `127.0.0.1:38211`. */
  readonly addresses: Map<string, string>;
  /** Runs a block to its end. */
  run(code: string): Promise<Result>;
  /** Runs a block that never ends by itself until it has said something, and ends it as Ctrl-C does. */
  runUntilOutput(code: string): Promise<Result>;
  close(): void;
}

export interface Result {
  /** undefined = ended by a signal. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** What must not be shared with the checkout: books, and what is written by the commands themselves. */
const NOT_LINKED = new Set([".git", "coverage", "data", "dist", "gen-sdk"]);

/** @param compiled where node keeps compiled code from one workshop to the next. */
export function openWorkshop(compiled: string): Workshop {
  const folder = mkdtempSync(join(tmpdir(), "docs-"));
  for (const name of readdirSync(ROOT)) {
    if (!NOT_LINKED.has(name)) symlinkSync(join(ROOT, name), join(folder, name));
  }
  const tools = writeTools(join(folder, ".tools"));
  const addresses = new Map<string, string>();

  function start(code: string, onOutput: () => void = () => undefined) {
    const here = [...addresses].reduce((text, [from, to]) => text.replaceAll(from, to), code);
    const server = addresses.get("127.0.0.1:50051");
    const env = {
      ...process.env,
      PATH: [tools, process.env.PATH ?? ""].join(delimiter),
      NODE_COMPILE_CACHE: compiled,
      ...(server && { WORLDCTL_SERVER: server }),
    };
    const bash = ["-euo", "pipefail", "-c", here];
    const child = spawn("bash", bash, {
      cwd: folder,
      env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        said[name] += text;
        if (name === "stdout") onOutput();
      });
    }
    const result = new Promise<Result>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (exitCode) => resolve({ exitCode: exitCode ?? undefined, ...said }));
    });
    // The group: bash and what it started.
    const interrupt = () => process.kill(-(child.pid ?? 0), "SIGINT");
    return { result, interrupt };
  }

  return {
    folder,
    addresses,
    run: (code) => start(code).result,
    runUntilOutput(code) {
      let isAsked = false;
      const { result, interrupt } = start(code, () => {
        if (!isAsked) interrupt();
        isAsked = true;
      });
      return result;
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}

/** `npx` as it is in the folder of the repository, without the start-up of npm, and never with the network. */
function writeTools(folder: string): string {
  mkdirSync(folder);
  const npx = join(folder, "npx");
  const lines = [
    "#!/bin/sh",
    "name=$1; shift",
    'case "$name" in',
    `  worldctl) exec "${process.execPath}" "${ROOT}/src/cli/worldctl.ts" "$@" ;;`,
    `  *) exec "${ROOT}/node_modules/.bin/$name" "$@" ;;`,
    "esac",
  ];
  writeFileSync(npx, `${lines.join("\n")}\n`);
  chmodSync(npx, 0o755);
  return folder;
}
