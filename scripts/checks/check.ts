/** What every check of `npm run check` has in common. */
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

export interface Outcome {
  readonly passed: boolean;
  /** What went wrong, or a remark worth reading when nothing did. */
  readonly output: string;
}

export interface Check {
  readonly title: string;
  run(): Outcome;
}

export interface ToolOptions {
  readonly cwd?: string;
  readonly input?: Buffer;
}

/** Runs a tool of node_modules/.bin (or of the system) without a shell. */
export function tool(command: string, args: readonly string[], options: ToolOptions = {}) {
  const path = [join(ROOT, "node_modules/.bin"), process.env.PATH ?? ""].join(delimiter);
  const result = spawnSync(command, args, {
    cwd: ROOT,
    ...options,
    env: { ...process.env, PATH: path },
    maxBuffer: 64 * 1024 * 1024,
  });
  const failure = result.error ? `${command}: ${result.error.message}\n` : "";
  return {
    passed: result.status === 0,
    stdout: result.stdout ?? Buffer.alloc(0),
    output: `${failure}${result.stdout ?? ""}${result.stderr ?? ""}`.trim(),
  };
}

/** A check that is one command: it passes when the command does. */
export function commandCheck(command: string, ...args: readonly string[]): Check {
  return {
    title: [command, ...args].join(" "),
    run() {
      const { passed, output } = tool(command, args);
      return { passed, output: passed ? "" : output };
    },
  };
}

export function passed(remark = ""): Outcome {
  return { passed: true, output: remark };
}

export function failed(output: string): Outcome {
  return { passed: false, output };
}
