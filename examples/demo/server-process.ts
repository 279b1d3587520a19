/** The real server as a process of its own, as `npm start` runs it, on a free port of this machine. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DemoFailure, within } from "./facts.ts";

const ROOT = join(import.meta.dirname, "../..");
const START_MS = 60_000;
const STOP_MS = 30_000;
/** How many of the last lines of its log a failure shows. */
const SHOWN_LINES = 20;

export interface ServerProcess {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** Ends it in order, with SIGTERM. Gives the exit code. */
  stop(): Promise<number | null>;
  /** Ends it at once, with SIGKILL, as a power cut would. */
  kill(): Promise<void>;
}

/** Processes that run, for the case that the demo itself ends early. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/**
 * Starts a server and waits until it is ready.
 *
 * @param storeFile the SQLite file it keeps its book in.
 * @throws DemoFailure with the end of its log when it does not get ready.
 */
export async function startServer(storeFile: string): Promise<ServerProcess> {
  const child = spawn(process.execPath, ["src/main.ts", ...flags(storeFile)], {
    cwd: ROOT,
    env: ownEnvironment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  const ended = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  });
  void ended.then(() => running.delete(child));
  const address = await within(START_MS, "the start of the server", readyAddress(child, ended));
  return {
    address,
    async stop() {
      child.kill("SIGTERM");
      await within(STOP_MS, "the stop of the server", ended);
      return child.exitCode;
    },
    async kill() {
      child.kill("SIGKILL");
      await within(STOP_MS, "the end of the server", ended);
    },
  };
}

function flags(storeFile: string): string[] {
  const settings = {
    host: "127.0.0.1",
    port: 0,
    "admin-port": 0,
    store: `sqlite:${storeFile}`,
    "compat-rebalance-v2": true,
    executor: "paper",
    "bookmark-interval": "1s",
    "log-format": "json",
    "log-level": "info",
  };
  return Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
}

/** The demo's server takes nothing but the flags above: settings of the shell must not change what it shows. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("WORLDSERVICE_"));
  return Object.fromEntries(kept);
}

/** Reads the log until the line that tells the address. */
async function readyAddress(child: ChildProcess, ended: Promise<void>): Promise<string> {
  const lines: string[] = [];
  const { promise, resolve } = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      if (lines.length > SHOWN_LINES) lines.shift();
      const address = addressIn(line);
      if (address !== undefined) resolve(address);
    });
  }
  const gone = ended.then(async () => {
    await Promise.all(
      [child.stdout, child.stderr].map((stream) => stream?.readable && once(stream, "close")),
    );
    throw new DemoFailure(`the server ended before it was ready:\n${lines.join("\n")}`);
  });
  gone.catch(() => undefined); // it also ends after it was ready, when nobody waits here any more
  return Promise.race([promise, gone]);
}

function addressIn(line: string): string | undefined {
  if (!line.startsWith("{")) return undefined;
  const { msg, address } = JSON.parse(line) as { msg?: unknown; address?: unknown };
  return msg === "ready" && typeof address === "string" ? address : undefined;
}
