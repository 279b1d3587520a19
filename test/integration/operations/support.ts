/** The server as a process of its own, started as an operator starts it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const MAIN = join(import.meta.dirname, "../../../src/main.ts");

export interface ServerProcess {
  readonly child: ChildProcess;
  /** Every line of standard output so far, parsed. */
  readonly lines: Record<string, unknown>[];
  readonly port: number;
  readonly adminPort: number;
  /** Everything it wrote, on both outputs. */
  output(): string;
  /** Standard error alone. */
  errors(): string;
  /** Sends the signal and resolves with the exit code, or the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null>;
}

/** How a process ended that never became ready. */
export interface FailedStart {
  readonly code: number | null;
  readonly output: string;
}

const running = new Set<ChildProcess>();

/** For `afterEach`. */
export async function endProcesses(): Promise<void> {
  for (const child of running) {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
  running.clear();
}

/**
 * Resolves when the server is ready, or has given up.
 *
 * @param keepLine for servers that say a lot: only these lines are kept.
 */
export async function startProcess(
  flags: Readonly<Record<string, string | number | boolean>> = {},
  env: Readonly<Record<string, string>> = {},
  keepLine?: (line: Record<string, unknown>) => boolean,
): Promise<ServerProcess | FailedStart> {
  const all = { store: "memory:", port: 0, admin_port: 0, log_format: "json", ...flags };
  const args = Object.entries(all).map(([key, value]) => `--${key.replaceAll("_", "-")}=${value}`);
  const child = spawn(process.execPath, [MAIN, ...args], { env: { PATH: process.env.PATH, ...env } });
  running.add(child);
  let output = "";
  const lines: Record<string, unknown>[] = [];
  const ready = Promise.withResolvers<Record<string, unknown> | undefined>();
  let rest = "";
  child.stdout.on("data", (chunk: Buffer) => {
    if (keepLine === undefined) output += chunk;
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const line = JSON.parse(part) as Record<string, unknown>;
      if (keepLine?.(line) !== false) lines.push(line);
      if (line.msg === "ready") ready.resolve(line);
    }
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk;
    errors += chunk;
  });
  child.once("close", () => ready.resolve(undefined));
  const line = await ready.promise;
  if (line === undefined) return { code: child.exitCode, output };
  return {
    child,
    lines,
    port: portOf(line.address),
    adminPort: portOf(line.admin),
    output: () => output,
    errors: () => errors,
    async end(signal) {
      const closed = once(child, "close");
      child.kill(signal);
      await closed;
      return child.exitCode ?? child.signalCode;
    },
  };
}

function portOf(address: unknown): number {
  return typeof address === "string" ? Number(address.slice(address.lastIndexOf(":") + 1)) : 0;
}

/** @throws Error with the output when the server did not start. */
export async function startedProcess(...args: Parameters<typeof startProcess>): Promise<ServerProcess> {
  const started = await startProcess(...args);
  if ("child" in started) return started;
  throw new Error(`the server did not start: ${started.output}`);
}

/** A free port, as admin_port has no "take any". */
export async function freePort(): Promise<number> {
  const { createServer } = await import("node:net");
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
