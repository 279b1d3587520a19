import type { ServerHttp2Session } from "node:http2";
import type { EdgeLimits } from "./limits.ts";

/**
 * Asks an HTTP/2 peer from time to time whether it is still there and drops the connection when it does not answer:
 * a feed may be silent for long, and a peer that lost its network never says goodbye.
 */
export function keepAlive(session: ServerHttp2Session, limits: EdgeLimits): void {
  let silence: NodeJS.Timeout | undefined;
  const rounds = setInterval(() => {
    if (silence !== undefined || session.closed || session.destroyed) return;
    silence = setTimeout(() => session.destroy(), limits.pingTimeoutMs);
    session.ping(() => {
      clearTimeout(silence);
      silence = undefined;
    });
  }, limits.pingIntervalMs);
  session.once("close", () => {
    clearInterval(rounds);
    clearTimeout(silence);
  });
}
