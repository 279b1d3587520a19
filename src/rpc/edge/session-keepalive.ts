import type { ServerHttp2Session } from "node:http2";
import type { EdgeLimits } from "./limits.ts";

/** Watches the peers of all sessions; ended by `stop`. */
export interface KeepAlive {
  stop(): void;
}

/**
 * Asks every HTTP/2 peer from time to time whether it is still there and drops the connections of those that do not
 * answer: a feed may be silent for long, and a peer that lost its network never says goodbye. One timer serves all
 * sessions, so that an idle connection costs nothing for it.
 */
export function keepAlive(
  sessions: ReadonlySet<ServerHttp2Session>,
  limits: Pick<EdgeLimits, "pingIntervalMs" | "pingTimeoutMs">,
): KeepAlive {
  /** The round in which each session was asked whose answer is still to come. */
  const askedIn = new Map<ServerHttp2Session, number>();
  let round = 0;

  function ask(session: ServerHttp2Session): boolean {
    if (askedIn.has(session) || session.closed || session.destroyed) return false;
    // The callback also comes when the session ends first.
    const sent = session.ping(() => askedIn.delete(session));
    if (sent) askedIn.set(session, round);
    return sent;
  }

  function dropSilent(asked: readonly ServerHttp2Session[], inRound: number): void {
    for (const session of asked) {
      if (askedIn.get(session) !== inRound) continue;
      askedIn.delete(session);
      session.destroy();
    }
  }

  const rounds = setInterval(() => {
    round++;
    const asked = [...sessions].filter(ask);
    if (asked.length > 0) setTimeout(dropSilent, limits.pingTimeoutMs, asked, round).unref();
  }, limits.pingIntervalMs).unref(); // the server lives by its port, not by this

  return { stop: () => clearInterval(rounds) };
}
