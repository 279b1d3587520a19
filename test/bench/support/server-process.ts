import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Which server a process of `server.ts` runs. */
export type ServerKind = "raw" | "stock" | "worldservice";

/** A server in a process of its own. */
export interface ServerProcess {
  readonly port: number;
  /** User and system time of the process so far, in microseconds. */
  cpuMicros(): Promise<number>;
  stop(): Promise<void>;
}

/** What the server process tells: its port once, and its CPU time whenever it is asked. */
export type ServerMessage = { readonly port: number } | { readonly cpuMicros: number };

export async function startServer(kind: ServerKind): Promise<ServerProcess> {
  const child = fork(fileURLToPath(new URL("server.ts", import.meta.url)), [kind], { execArgv: [] });
  const failed = once(child, "exit").then(() => {
    throw new Error(`the ${kind} server ended`);
  });
  failed.catch(() => undefined);
  const answer = async (): Promise<ServerMessage> =>
    (await Promise.race([once(child, "message"), failed]))[0] as ServerMessage;
  const first = await answer();
  if (!("port" in first)) throw new Error(`the ${kind} server named no port`);
  return {
    port: first.port,
    async cpuMicros() {
      child.send("cpu");
      const message = await answer();
      return "cpuMicros" in message ? message.cpuMicros : Number.NaN;
    },
    async stop() {
      child.disconnect();
      await once(child, "exit");
    },
  };
}
