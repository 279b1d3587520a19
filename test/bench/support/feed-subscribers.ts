import { once } from "node:events";
import http2 from "node:http2";

/** Many subscribers that count what they get and do nothing else. */
export interface Subscribers {
  /** Resolves when every one of them has had this many events in all. */
  reached(events: number): Promise<void>;
  /** When each event came, per subscriber, in milliseconds of `performance.now()`; only while `times` is on. */
  readonly arrivals: readonly number[][];
  close(): Promise<void>;
}

export interface SubscriberOptions {
  readonly port: number;
  readonly count: number;
  readonly perConnection: number;
  readonly times?: boolean;
  /** False: they never read, and their windows close after a few events. */
  readonly reads?: boolean;
}

const PATH = "/worldservice.v2.ControlBusService/Subscribe";
const HEADER = 5;
/** `SubscribeResponse{batch}` and `{topic}` begin with these. */
const BATCH = 0x12;
const TOPIC = 0x0a;

/** Opens them all; resolves when each has its first message (a raw server sends none). */
export async function subscribe(options: SubscriberOptions): Promise<Subscribers> {
  const { port, count, perConnection, times = false, reads = true } = options;
  const sessions: http2.ClientHttp2Session[] = [];
  const counts = Array.from({ length: count }, () => 0);
  const arrivals: number[][] = times ? counts.map(() => []) : [];
  let target = Number.POSITIVE_INFINITY;
  let behind = 0;
  let arrived = () => {};
  const opened: Promise<unknown>[] = [];

  function got(subscriber: number): void {
    const events = (counts[subscriber] ?? 0) + 1;
    counts[subscriber] = events;
    if (times) arrivals[subscriber]?.push(performance.now());
    if (events === target && --behind === 0) arrived();
  }

  for (let at = 0; at < count; at++) {
    if (at % perConnection === 0) sessions.push(await connect(port, reads));
    const stream = open(sessions.at(-1) as http2.ClientHttp2Session);
    const onMessage = (kind: number) => {
      if (kind === BATCH) got(at);
    };
    if (reads) stream.on("data", frameReader(onMessage));
    opened.push(once(stream, "response"));
    if (opened.length % 100 === 0) await Promise.all(opened);
  }
  await Promise.all(opened);
  return {
    arrivals,
    reached(events) {
      target = events;
      behind = counts.filter((have) => have < events).length;
      return behind === 0 ? Promise.resolve() : new Promise((resolve) => (arrived = resolve));
    },
    async close() {
      for (const session of sessions) session.destroy();
      await Promise.all(sessions.map((session) => (session.closed ? undefined : once(session, "close"))));
    },
  };
}

/** @param reads false: its windows close after a few events. */
async function connect(port: number, reads: boolean): Promise<http2.ClientHttp2Session> {
  const settings = reads ? {} : { settings: { initialWindowSize: 512 } };
  const session = http2.connect(`http://127.0.0.1:${port}`, settings);
  session.on("error", () => undefined);
  await once(session, "connect");
  session.setLocalWindowSize(4 << 20);
  return session;
}

function open(session: http2.ClientHttp2Session): http2.ClientHttp2Stream {
  const stream = session.request({
    ":method": "POST",
    ":path": PATH,
    "content-type": "application/grpc+proto",
    te: "trailers",
  });
  stream.on("error", () => undefined);
  stream.end(Buffer.from([0, 0, 0, 0, 0]));
  return stream;
}

/** Tells the first byte of every message in a stream of gRPC frames, wherever the chunks are cut. */
function frameReader(onMessage: (firstByte: number) => void): (chunk: Buffer) => void {
  let skip = 0;
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    let bytes = chunk;
    if (rest.length > 0) {
      bytes = Buffer.concat([rest, chunk]);
      rest = Buffer.alloc(0);
    }
    let at = skip;
    while (at + HEADER < bytes.length) {
      onMessage(bytes[at + HEADER] ?? TOPIC);
      at += HEADER + bytes.readUInt32BE(at + 1);
    }
    skip = Math.max(0, at - bytes.length);
    if (at < bytes.length) rest = bytes.subarray(at);
  };
}
