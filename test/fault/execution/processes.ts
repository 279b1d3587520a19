/** Child processes that die and come back. Only what was started here is ever signalled. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const START_MS = 30_000;
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A process that is started again whenever it is gone. */
export interface Phoenix {
  /** Port of the life that is lived now; waits for a start that is under way. */
  port(): Promise<number>;
  /** How often it died so far. */
  deaths(): number;
  /** Ends it for good. */
  stop(): Promise<void>;
}

interface Life {
  readonly child: ChildProcess;
  readonly port: number;
}

/** @param args given to every life; the function is asked anew each time. */
export function phoenix(script: string, args: (port: number) => readonly string[]): Phoenix {
  let deaths = 0;
  let stopped = false;
  let port = 0;
  let life = begin();

  async function begin(): Promise<Life> {
    const child = fork(join(import.meta.dirname, script), args(port), {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    running.add(child);
    child.once("exit", () => {
      running.delete(child);
      if (stopped) return;
      deaths++;
      life = begin();
      life.catch(() => undefined); // whoever waits for it is told
    });
    const [message] = (await once(child, "message", { signal: AbortSignal.timeout(START_MS) })) as [
      { port: number },
    ];
    port = message.port;
    return { child, port };
  }

  return {
    port: async () => (await life).port,
    deaths: () => deaths,
    async stop() {
      stopped = true;
      const { child } = await life;
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
