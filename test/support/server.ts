/** A whole server for a test: the real composition over a real socket. */

import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { pino } from "pino";
import { compose, type Replacements, type Server } from "../../src/compose.ts";
import { readSettings } from "../../src/settings/read-settings.ts";

export interface TestServer {
  readonly server: Server;
  readonly port: number;
  readonly baseUrl: string;
  /** gRPC over HTTP/2 cleartext. */
  readonly transport: Transport;
  stop(): Promise<void>;
}

/** A clock that stands still, so that answers with times can be compared. */
export const STANDING_CLOCK = {
  now: () => Date.UTC(2026, 0, 2, 3, 4, 5),
  monotonic: () => performance.now(),
};

/**
 * @param flags settings by flag name (`compat_rebalance_v2`), over a memory store on a free port.
 */
export async function startServer(
  flags: Readonly<Record<string, string | number | boolean>> = {},
  replacements: Replacements = {},
): Promise<TestServer> {
  const all = { store: "memory:", port: 0, admin_port: 0, drain_timeout: "2s", ...flags };
  const argv = Object.entries(all).map(([key, value]) => `--${key.replaceAll("_", "-")}=${value}`);
  const settings = readSettings({ argv, env: {} });
  const server = await compose(settings, pino({ level: "silent" }), replacements);
  const { port } = await server.edge.listen("127.0.0.1", 0);
  const baseUrl = `http://127.0.0.1:${port}`;
  return {
    server,
    port,
    baseUrl,
    transport: createGrpcTransport({ baseUrl }),
    stop: () => server.stop(),
  };
}
