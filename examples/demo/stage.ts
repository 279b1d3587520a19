/** What the steps of the demo share: one store file, the server on it, clients and the follower of its events. */
import { join } from "node:path";
import { type Clients, connect } from "./clients.ts";
import { fact } from "./facts.ts";
import { createFollower, type Follower } from "./follower.ts";
import { say } from "./output.ts";
import type { Portfolios } from "./portfolios.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

export interface Stage {
  readonly portfolios: Portfolios;
  readonly follower: Follower;
  /** Of the server that runs now. */
  readonly clients: () => Clients;
  readonly address: () => string;
  /** Ends the server, in order or by force, and starts another one on the same store. */
  restart(how: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Ends whatever runs. */
  close(): Promise<void>;
}

/** @param folder an empty folder for the store; removing it is the caller's part. */
export async function openStage(folder: string, portfolios: Portfolios): Promise<Stage> {
  const storeFile = join(folder, "store", "worldservice.db");
  const follower = createFollower();
  let server: ServerProcess = await startServer(storeFile);
  let clients = connect(server.address);
  say(`server ready on ${server.address}, store sqlite (temporary)`);

  async function end(how: "SIGTERM" | "SIGKILL"): Promise<void> {
    const ended = server;
    if (how === "SIGKILL") await ended.kill();
    else fact("the server stops in order on SIGTERM, exit code 0", (await ended.stop()) === 0);
    await follower.ended();
    clients.close();
  }

  return {
    portfolios,
    follower,
    clients: () => clients,
    address: () => server.address,
    async restart(how) {
      await end(how);
      server = await startServer(storeFile);
      clients = connect(server.address);
      await follower.resume(clients);
      say(`server ready again on ${server.address}, same store`);
    },
    async close() {
      await follower.cut();
      await end("SIGTERM");
    },
  };
}
