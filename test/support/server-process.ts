/** The whole service in a process of its own, as `npm start` runs it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface ServerProcess {
  readonly url: string;
  /** SIGKILL, as a crash; resolves when it is gone. */
  kill(): Promise<void>;
}

const MAIN = join(import.meta.dirname, "../../src/main.ts");
const running = new Set<{ kill(signal: "SIGKILL"): unknown }>();

// A test process that leaves early must not leave servers behind.
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts one on a free loopback port; resolves when it serves. */
export async function startServerProcess(flags: readonly string[]): Promise<ServerProcess> {
  const args = [MAIN, "--port=0", "--admin-port=0", "--log-format=json", ...flags];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const exited = once(child, "exit").then(() => running.delete(child));
  const lines: string[] = [];
  child.stderr.on("data", (chunk) => lines.push(String(chunk)));
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    const { msg, address } = JSON.parse(line) as { msg?: string; address?: string };
    if (msg !== "ready" || address === undefined) continue;
    child.stdout.resume(); // the log goes on, and nobody reads it
    return {
      url: `http://${address}`,
      async kill() {
        child.kill("SIGKILL");
        await exited;
      },
    };
  }
  throw new Error(`the server ended: ${lines.join("\n")}`);
}
