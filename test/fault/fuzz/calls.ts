/** Inputs that come as calls, through one HTTP/2 connection of Node's own client. */
import http2 from "node:http2";
import { gzipSync } from "node:zlib";
import { SERVICES } from "../../../src/rpc/routes.ts";
import { STANDARD_SERVICES } from "../../../src/rpc/security/rules.ts";
import type { Random } from "../support/random.ts";
import { broken, someMessage } from "./mutate.ts";
import { envelope } from "./wire.ts";

const METHODS = [...SERVICES, ...STANDARD_SERVICES].flatMap(({ methods }) => methods);
const CONTENT_TYPES = [
  "application/grpc",
  "application/grpc",
  "application/grpc",
  "application/grpc+proto",
  "application/grpc-web",
  "application/proto",
  "application/json",
  "application/connect+proto",
  "text/html",
  "application/grpc+xml",
];
const ENCODINGS = ["gzip", "br", "identity", "zstd", "gzip, gzip", ""];
const TIMEOUTS = ["1S", "0m", "-1S", "99999999H", "1", "S", "100000000000m", "NaNm", "50m"];
const AUTHORITIES = [
  "localhost",
  "a:99999999",
  "[::1",
  "x%zz",
  "a@b",
  "é",
  "",
  "[::1]:x",
  ":80",
  "a b",
  "a".repeat(300),
];
/** How long a call may take before its stream is dropped, in milliseconds. */
const PATIENCE_MS = 40;
const GIVE_UP_MS = 5_000;
/** Uncompressed size of a bomb, in bytes. */
const BOMB_BYTES = 80 * 1024 * 1024;

let bomb: Buffer | undefined;

/** A call with a message that is broken in one way, or headers that are. */
export function someCall(random: Random): { headers: http2.OutgoingHttpHeaders; body: Buffer } {
  const method = random.pick(METHODS);
  const headers: http2.OutgoingHttpHeaders = {
    ":method": random.next() < 0.95 ? "POST" : random.pick(["GET", "PUT", "OPTIONS", "HEAD"]),
    ":path": `/${method.parent.typeName}/${random.next() < 0.98 ? method.name : "Nothing"}`,
    "content-type": random.pick(CONTENT_TYPES),
    te: "trailers",
  };
  if (random.next() < 0.05) headers[":authority"] = random.pick(AUTHORITIES);
  if (random.next() < 0.1) headers["grpc-timeout"] = random.pick(TIMEOUTS);
  if (random.next() < 0.05) headers["connect-timeout-ms"] = random.pick(["-1", "x", "99999999999999", "5"]);
  if (random.next() < 0.1) headers["grpc-encoding"] = random.pick(ENCODINGS);
  if (random.next() < 0.05) headers["grpc-accept-encoding"] = random.pick(ENCODINGS);
  if (random.next() < 0.05) headers.authorization = random.pick(["Bearer x", "Bearer", "Basic eDp5", "é"]);
  return { headers, body: bodyOf(random, broken(random, someMessage(random, method)), headers) };
}

function bodyOf(random: Random, message: Buffer, headers: http2.OutgoingHttpHeaders): Buffer {
  if (String(headers["content-type"]).endsWith("json")) {
    return random.next() < 0.5
      ? message
      : Buffer.from(random.pick(["{}", "[", '{"rebalance":{"totalEquity":"NaN"}}', "null"]));
  }
  if (random.next() < 0.85) return envelope(message);
  if (random.next() < 0.02) {
    bomb ??= gzipSync(Buffer.alloc(BOMB_BYTES));
    headers["grpc-encoding"] = "gzip";
    return envelope(bomb, 1);
  }
  const length = random.pick([message.length, 0, 0xffffffff, message.length + 1, message.length - 1]);
  return envelope(message, random.pick([0, 1, 2, 128, 255]), length);
}

/** Makes calls one after the other, in a new connection whenever the old one is gone. */
export interface Caller {
  send(random: Random): Promise<void>;
  close(): void;
}

export function createCaller(port: number): Caller {
  let session: http2.ClientHttp2Session | undefined;

  function connected(): http2.ClientHttp2Session {
    if (session === undefined || session.closed || session.destroyed) {
      session = http2.connect(`http://127.0.0.1:${port}`);
      session.on("error", () => undefined);
    }
    return session;
  }

  return {
    send(random) {
      const { headers, body } = someCall(random);
      const isSlow = random.next() < 0.005;
      return new Promise((resolve) => {
        const stream = request(connected(), headers);
        if (stream === undefined) return resolve();
        const timers = [
          setTimeout(() => stream.close(http2.constants.NGHTTP2_CANCEL), PATIENCE_MS),
          // Node's client waits for ever for a write that its session has already dropped.
          setTimeout(() => stream.destroy(), GIVE_UP_MS),
        ];
        stream.on("error", () => undefined);
        stream.once("close", () => {
          timers.forEach(clearTimeout);
          resolve();
        });
        stream.resume();
        // A slow one sends a byte and no more: the server must not wait for it with anything of value.
        if (isSlow) stream.write(body.subarray(0, 1));
        else stream.end(body);
      });
    },
    close: () => session?.destroy(),
  };
}

/** Undefined for headers that not even the client would send. */
function request(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
): http2.ClientHttp2Stream | undefined {
  try {
    return session.request(headers);
  } catch {
    return undefined;
  }
}
