import { constants, type ServerHttp2Session } from "node:http2";

/** The last of all stream ids: a GOAWAY with it refuses nothing yet. */
const LAST_STREAM_ID = 2 ** 31 - 1;
/**
 * A peer that does not answer by then, in milliseconds, is not waited for: many hang up at once when they hear of the
 * end, which a session does not notice. A call that is under way longer than this is refused below gRPC.
 */
const PATIENCE_MS = 100;
/** A peer's protocol stack answers pings before its program has heard of the end; this long it may take to, in ms. */
const HEARD_MS = 25;

/**
 * Closes an HTTP/2 session so that no call is lost between two worlds: first the peer hears that the session ends, and
 * only when it has heard so (it answered a ping sent behind) new streams are refused. Calls it sent before arrive like
 * any other, and are told to go elsewhere; with one GOAWAY they would be refused below gRPC, which not every client
 * takes for a reason to try again.
 */
export function sayGoodbye(session: ServerHttp2Session): void {
  if (session.closed || session.destroyed) return;
  const close = () => {
    clearTimeout(timer);
    session.off("close", close);
    if (!session.closed) session.close();
  };
  const timer = setTimeout(close, PATIENCE_MS);
  session.once("close", close);
  session.goaway(constants.NGHTTP2_NO_ERROR, LAST_STREAM_ID);
  // Not sent when too many pings are under way: then nobody is waited for.
  if (!session.ping(() => setTimeout(close, HEARD_MS))) close();
}
