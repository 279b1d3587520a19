/** A server process to be killed or stopped in the middle of its work. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { execPath } from "node:process";
import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { FromServer, ToServer } from "./messages.ts";

const ENTRY = join(import.meta.dirname, "halting-server.ts");
const START_LIMIT_MS = 20_000;

export interface Victim {
  readonly transport: Transport;
  /** Runs whose driver stands still here. */
  readonly halted: ReadonlySet<string>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  stop(): void;
  resume(): void;
  /** Lets all drivers that stand still go on. */
  go(): void;
}

/** A process with all modules loaded, waiting for its settings. */
export interface Spare {
  start(flags: Readonly<Record<string, string | number>>): Promise<Victim>;
  discard(): Promise<void>;
}

export function spawnSpare(): Spare {
  const child = spawn(execPath, [ENTRY], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const halted = new Set<string>();
  const inbox = messagesOf(child, halted);
  return {
    async start(flags) {
      await inbox((message) => "loaded" in message);
      send(child, { start: flags });
      const answer = await inbox((message) => "port" in message || "failed" in message);
      if (!("port" in answer)) throw new Error(`the victim did not start: ${JSON.stringify(answer)}`);
      return victimOf(child, answer.port, halted);
    },
    discard: () => end(child),
  };
}

function victimOf(child: ChildProcess, port: number, halted: ReadonlySet<string>): Victim {
  const baseUrl = `http://127.0.0.1:${port}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  return {
    transport: createGrpcTransport({ baseUrl, sessionManager }),
    halted,
    async kill() {
      await end(child);
      sessionManager.abort();
    },
    stop: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    go: () => send(child, { go: true }),
  };
}

function send(child: ChildProcess, message: ToServer): void {
  if (child.connected) child.send(message);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

type Wanted = (message: FromServer) => boolean;

/** Keeps what the process says until somebody asks for it. */
function messagesOf(child: ChildProcess, halted: Set<string>): (wanted: Wanted) => Promise<FromServer> {
  const said: FromServer[] = [];
  let heard: () => void = () => {};
  child.on("message", (message: FromServer) => {
    if ("halted" in message) halted.add(message.halted.runId);
    said.push(message);
    heard();
  });
  return async (wanted) => {
    const deadline = performance.now() + START_LIMIT_MS;
    for (;;) {
      const found = said.find(wanted);
      if (found !== undefined) return found;
      if (performance.now() > deadline || child.exitCode !== null) throw new Error("the victim is silent");
      await new Promise<void>((resolve) => {
        heard = resolve;
        setTimeout(resolve, 100);
      });
    }
  };
}
