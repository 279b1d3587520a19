import { createClient } from "redis";

/** Sends one command to a Redis, on a connection of its own. */
export async function command(url: string, ...args: string[]): Promise<unknown> {
  const client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: false } });
  client.on("error", () => {}); // the command rejects
  await client.connect();
  try {
    return await client.sendCommand(args);
  } finally {
    client.destroy();
  }
}
