/** Inputs that come as raw connections: each writes its bytes and waits until the server has had enough of it. */
import net from "node:net";
import type { Random } from "../support/random.ts";
import {
  anyFrame,
  callHeaders,
  END_HEADERS,
  END_STREAM,
  envelope,
  frame,
  junk,
  PREFACE,
  TYPES,
  windowSettings,
} from "./wire.ts";

const PLAN = "/worldservice.v1.RebalanceService/PlanRebalance";
const SUBSCRIBE = "/worldservice.v1.ControlBusService/Subscribe";
/** How long a connection may stay when the server neither answers nor closes it, in milliseconds. */
const QUIET_MS = 30;

type Attack = (random: Random) => Buffer;

const start = (settings = frame(TYPES.settings, 0, 0)) => Buffer.concat([PREFACE, settings]);
const times = (count: number, make: (at: number) => Buffer) =>
  Buffer.concat(Array.from({ length: count }, (_, at) => make(at)));

/** By name, for the report. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  garbage: (random) => junk(random, 300),
  "cut preface": (random) => PREFACE.subarray(0, random.between(1, PREFACE.length)),
  "TLS hello": (random) => Buffer.concat([Buffer.from("16030100c8010000c40303", "hex"), junk(random, 100)]),
  "HTTP/1 noise": (random) =>
    Buffer.from(
      random.pick([
        `POST ${PLAN} HTTP/1.1\r\nHost: a b:9\r\n\r\n`,
        `POST ${PLAN} HTTP/1.0\r\n\r\n`,
        `POST ${PLAN} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        `POST ${PLAN} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
        `GET ${PLAN}?message=%7B HTTP/1.1\r\nHost: [::1\r\n\r\n`,
        `GET / HTTP/1.1\r\nHost: a\r\n${"x".repeat(20_000)}: y\r\n\r\n`,
      ]),
    ),
  "frames of all kinds": (random) =>
    Buffer.concat([start(), times(random.between(1, 30), () => anyFrame(random))]),
  "HPACK junk": (random) =>
    Buffer.concat([start(), frame(TYPES.headers, END_HEADERS | END_STREAM, 1, junk(random, 120))]),
  "rapid reset": (random) =>
    Buffer.concat([
      start(),
      times(random.between(10, 300), (at) =>
        Buffer.concat([
          frame(TYPES.headers, END_HEADERS, 2 * at + 1, callHeaders(PLAN)),
          frame(TYPES.rstStream, 0, 2 * at + 1, Buffer.from([0, 0, 0, 8])),
        ]),
      ),
    ]),
  "CONTINUATION flood": (random) =>
    Buffer.concat([
      start(),
      frame(TYPES.headers, 0, 1, callHeaders(PLAN)),
      times(random.between(10, 500), () => frame(TYPES.continuation, 0, 1, junk(random, 20))),
    ]),
  "SETTINGS flood": (random) =>
    Buffer.concat([start(), times(random.between(10, 500), () => frame(TYPES.settings, 0, 0))]),
  "PING flood": (random) =>
    Buffer.concat([start(), times(random.between(10, 500), () => frame(TYPES.ping, 0, 0, Buffer.alloc(8)))]),
  "window of zero": (random) =>
    Buffer.concat([
      start(windowSettings(0)),
      times(random.between(1, 30), (at) =>
        Buffer.concat([
          frame(TYPES.headers, END_HEADERS, 2 * at + 1, callHeaders(random.pick([PLAN, SUBSCRIBE]))),
          frame(TYPES.data, END_STREAM, 2 * at + 1, envelope(Buffer.alloc(0))),
        ]),
      ),
    ]),
  "window that overflows": (random) =>
    Buffer.concat([
      start(),
      frame(TYPES.windowUpdate, 0, random.pick([0, 1]), Buffer.from([0x7f, 0xff, 0xff, 0xff])),
    ]),
  "empty DATA flood": (random) =>
    Buffer.concat([
      start(),
      frame(TYPES.headers, END_HEADERS, 1, callHeaders(PLAN)),
      times(random.between(10, 500), () => frame(TYPES.data, 0, 1)),
    ]),
  "hostile authority": (random) =>
    Buffer.concat([
      start(),
      frame(
        TYPES.headers,
        END_HEADERS | END_STREAM,
        1,
        callHeaders(PLAN, random.pick(["a:99999999", "[::1", "x%zz", "a@b", "", "[", "\u0000", "a/b"])),
      ),
    ]),
};

/** Opens a connection, sends the bytes in one to three pieces, and lets go of it. */
export function sendRaw(port: number, bytes: Buffer, random: Random): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.once("close", () => resolve());
    socket.setTimeout(QUIET_MS, () => (random.next() < 0.5 ? socket.destroy() : socket.resetAndDestroy()));
    socket.resume();
    const cut = random.between(0, bytes.length);
    socket.once("connect", () => {
      socket.write(bytes.subarray(0, cut));
      socket.write(bytes.subarray(cut));
    });
  });
}
