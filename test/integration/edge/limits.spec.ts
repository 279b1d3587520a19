import http2 from "node:http2";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import type { EdgeLimits } from "../../../src/rpc/edge/limits.ts";
import {
  clients,
  envelope,
  PLAN_PATH,
  rawExchange,
  rawHttp2,
  startEdge,
  stopEdges,
  validRequest,
} from "./support.ts";

const BODY = '{"rebalance":{"totalEquity":1}}';
const HEAD = `POST ${PLAN_PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n`;

/** Far above every time limit of these tests: a connection that is still open then would stay open. */
const PATIENCE_MS = 8000;

/** The edge with one limit tightened. */
const startWith = (limits: Partial<EdgeLimits>) => startEdge({}, { limits });

describe("time limits of the edge", () => {
  afterEach(stopEdges);

  it("drop a connection that says nothing", async () => {
    const { port } = await startWith({ handshakeTimeoutMs: 100 });
    expect(await rawExchange(port, "", PATIENCE_MS)).to.deep.equal({ text: "", closed: true });
  });

  it("drop a connection that stops in the first bytes of HTTP/2", async () => {
    const { port } = await startWith({ handshakeTimeoutMs: 100 });
    expect((await rawExchange(port, "PR", PATIENCE_MS)).closed).to.equal(true);
  });

  it("drop an HTTP/2 peer that stays silent after the preface", async () => {
    const { port } = await startWith({ pingIntervalMs: 50, pingTimeoutMs: 50 });
    const { closed } = await rawExchange(port, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", PATIENCE_MS);
    expect(closed).to.equal(true);
  });

  it("keep an idle HTTP/2 peer that answers pings", async () => {
    const { url, edge } = await startWith({ pingIntervalMs: 20, pingTimeoutMs: 200 });
    const session = http2.connect(url);
    let pings = 0;
    session.on("ping", () => {
      pings += 1;
    });
    while (pings < 5) await sleep(10);
    expect(session.closed).to.equal(false);
    session.close();
    await edge.close(100);
  });

  for (const [name, first] of [
    ["of the first request", ""],
    ["of a later request on the same connection", `${HEAD}Content-Length: ${BODY.length}\r\n\r\n${BODY}`],
  ] as const) {
    it(`answer 408 to HTTP/1.1 headers that never end, ${name}`, async () => {
      const { port } = await startWith({ handshakeTimeoutMs: 200 });
      const { text, closed } = await rawExchange(
        port,
        `${first}POST / HTTP/1.1\r\nHost: a\r\nX-Slow: `,
        PATIENCE_MS,
      );
      expect(text).to.contain("HTTP/1.1 408 Request Timeout");
      expect(closed).to.equal(true);
    });
  }

  it("answer DEADLINE_EXCEEDED to an HTTP/1.1 body that never ends, and close the connection", async () => {
    const { port } = await startWith({ bodyTimeoutMs: 100 });
    const { text, closed } = await rawExchange(port, `${HEAD}Content-Length: 1000\r\n\r\n{`, PATIENCE_MS);
    expect(text)
      .to.match(/^HTTP\/1\.1 504 /)
      .and.to.contain('"reason":"DEADLINE_EXCEEDED"');
    expect(closed).to.equal(true);
  });

  it("answer DEADLINE_EXCEEDED to an HTTP/2 body that trickles, however often a byte comes", async () => {
    const { url } = await startWith({ bodyTimeoutMs: 100 });
    const session = http2.connect(url);
    session.on("error", () => undefined);
    const stream = session.request({
      ":method": "POST",
      ":path": PLAN_PATH,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const trickle = setInterval(() => stream.write("\0"), 20);
    stream.on("error", () => undefined);
    stream.write(envelope(Buffer.alloc(0), 0, 10_000));
    stream.resume();
    const status = await new Promise((resolve) => {
      stream.on(
        "response",
        (headers) => headers["grpc-status"] !== undefined && resolve(headers["grpc-status"]),
      );
      stream.on("trailers", (trailers) => resolve(trailers["grpc-status"]));
      stream.on("close", () => resolve("closed without a status"));
    });
    clearInterval(trickle);
    session.destroy();
    expect(status).to.equal("4");
  });

  it("end the wait for a body at the caller's own deadline, when that is sooner", async () => {
    const { port } = await startWith({});
    const { text } = await rawExchange(
      port,
      `${HEAD}Connect-Timeout-Ms: 100\r\nContent-Length: 1000\r\n\r\n{`,
      PATIENCE_MS,
    );
    expect(text)
      .to.match(/^HTTP\/1\.1 504 /)
      .and.to.contain('"reason":"DEADLINE_EXCEEDED"');
  });

  for (const name of ["gRPC", "Connect JSON over HTTP/1.1"]) {
    it(`give a call without a deadline the longest one (${name})`, async () => {
      let signal: AbortSignal | undefined;
      const { url } = await startEdge(
        {
          plan: (_, context) =>
            new Promise((_resolve, reject) => {
              signal = context.signal;
              context.signal.addEventListener("abort", () => reject(context.signal.reason));
            }),
        },
        { limits: { maxTimeoutMs: 80 } },
      );
      const failure = await clients(url, name)
        .rebalance.planRebalance(validRequest)
        .catch((error: unknown) => error);
      expect(String(failure)).to.contain("[deadline_exceeded]");
      expect(signal?.aborted).to.equal(true);
    });
  }
});

describe("counting limits of the edge", () => {
  afterEach(stopEdges);

  it("refuse connections above the maximum, and take new ones when old ones end", async () => {
    const { port, url } = await startWith({ maxConnections: 2 });
    const open = [net.connect(port, "127.0.0.1"), net.connect(port, "127.0.0.1")];
    await Promise.all(open.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
    expect(await rawExchange(port, `${HEAD}\r\n`, PATIENCE_MS)).to.deep.equal({ text: "", closed: true });
    for (const socket of open) socket.destroy();
    let served = false;
    for (let attempt = 0; attempt < 50 && !served; attempt++) {
      served = await clients(url, "Connect JSON over HTTP/1.1")
        .rebalance.planRebalance(validRequest)
        .then(
          () => true,
          () => false,
        );
      if (!served) await sleep(20);
    }
    expect(served).to.equal(true);
  });

  it("tell an HTTP/2 peer how many calls it may have open, how large headers may be and how wide the window is", async () => {
    const { url } = await startWith({ maxStreamsPerConnection: 7, maxHeaderBytes: 9000 });
    const session = http2.connect(url);
    const settings = await new Promise<http2.Settings>((resolve) => session.once("remoteSettings", resolve));
    session.destroy();
    expect(settings).to.include({
      maxConcurrentStreams: 7,
      maxHeaderListSize: 9000,
      initialWindowSize: 16 * 1024 * 1024,
    });
  });

  it("open the window of a whole HTTP/2 connection to 64 MiB", async () => {
    const { port } = await startWith({});
    const { text } = await rawExchange(port, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0", 300);
    const update = Buffer.from([0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    update.writeUInt32BE(64 * 1024 * 1024 - 65_535, 9); // on top of the 65,535 bytes every connection begins with
    expect(text).to.contain(update.toString("latin1"));
  });

  it("let a message of exactly the largest size through, and not one byte more", async () => {
    const { port } = await startWith({ maxMessageBytes: 10_000 });
    // An unknown field of the request: ignored, but it fills the message. Tag and length take four bytes.
    const padded = (size: number) => {
      const valid = Buffer.from([0x0a, 0x09, 0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
      const filler = size - valid.length - 4;
      return Buffer.concat([
        valid,
        Buffer.from([0xfa, 0x01, (filler & 0x7f) | 0x80, filler >> 7]),
        Buffer.alloc(filler),
      ]);
    };
    const statusOf = async (size: number) => {
      const answer = await rawHttp2(
        port,
        { "content-type": "application/grpc", te: "trailers" },
        envelope(padded(size)),
      );
      return answer.trailers["grpc-status"] ?? answer.headers["grpc-status"];
    };
    expect(padded(10_000)).to.have.length(10_000);
    expect([await statusOf(10_000), await statusOf(10_001)]).to.deep.equal(["0", "8"]);
  });
});

/** A valid request whose JSON is exactly this long: an unknown field would be refused, white space is not. */
const jsonOf = (size: number) => BODY.padEnd(size, " ");

describe("the limit of JSON messages", () => {
  afterEach(stopEdges);

  const LIMIT = 10_000;
  const statusOf = async (
    url: string,
    headers: Record<string, string>,
    body: string | Uint8Array<ArrayBuffer>,
  ) => {
    const answer = await fetch(`${url}${PLAN_PATH}`, { method: "POST", headers, body });
    return { status: answer.status, text: await answer.text() };
  };
  const json = { "content-type": "application/json" };

  it("lets a message of exactly that size through, and not one byte more", async () => {
    const { url } = await startWith({ maxUnseenBytes: LIMIT });
    expect((await statusOf(url, json, jsonOf(LIMIT))).status).to.equal(200);
    const { status, text } = await statusOf(url, json, jsonOf(LIMIT + 1));
    expect(status).to.equal(429);
    expect(text).to.contain('"reason":"MESSAGE_TOO_LARGE"').and.to.contain(String(LIMIT));
  });

  it("counts what a compressed message holds", async () => {
    const { url } = await startWith({ maxUnseenBytes: LIMIT });
    const zipped = { ...json, "content-encoding": "gzip" };
    expect((await statusOf(url, zipped, Uint8Array.from(gzipSync(jsonOf(LIMIT))))).status).to.equal(200);
    expect((await statusOf(url, zipped, Uint8Array.from(gzipSync(jsonOf(LIMIT + 1))))).status).to.equal(429);
  });

  for (const contentType of [
    "application/grpc+json",
    "application/grpc-web+json",
    "application/grpc+json; charset=utf-8",
  ]) {
    it(`holds for ${contentType}`, async () => {
      const { port } = await startWith({ maxUnseenBytes: LIMIT });
      const codeOf = async (size: number) => {
        const headers = { "content-type": contentType, te: "trailers" };
        const answer = await rawHttp2(port, headers, envelope(Buffer.from(jsonOf(size))));
        const inBody = /grpc-status: (\d+)/.exec(answer.body)?.[1];
        return answer.trailers["grpc-status"] ?? answer.headers["grpc-status"] ?? inBody;
      };
      expect([await codeOf(LIMIT), await codeOf(LIMIT + 1)]).to.deep.equal(["0", "8"]);
    });
  }

  it("holds for streams in Connect's JSON", async () => {
    const { url } = await startWith({ maxUnseenBytes: LIMIT });
    const open = (size: number) => {
      const body = Uint8Array.from(envelope(Buffer.from("{}".padEnd(size, " "))));
      const path = "/worldservice.v1.ControlBusService/Subscribe";
      return fetch(`${url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/connect+json" },
        body,
      }).then((answer) => answer.text());
    };
    expect(await open(LIMIT))
      .to.contain('"topic"')
      .and.not.to.contain("MESSAGE_TOO_LARGE");
    expect(await open(LIMIT + 1)).to.contain("MESSAGE_TOO_LARGE");
  });

  it("leaves binary messages alone", async () => {
    const { url } = await startWith({ maxUnseenBytes: LIMIT });
    const request = { rebalance: { totalEquity: 1, positions: [{ worldId: "w".repeat(2 * LIMIT) }] } };
    for (const name of ["gRPC", "Connect binary over HTTP/2"]) {
      await clients(url, name).rebalance.planRebalance(request);
    }
  });

  it("is never above that of all messages", async () => {
    const { url } = await startWith({ maxUnseenBytes: LIMIT, maxMessageBytes: LIMIT / 2 });
    expect((await statusOf(url, json, jsonOf(LIMIT / 2 + 1))).status).to.equal(429);
  });

  it("closes an HTTP/1.1 connection whose body it will not read", async () => {
    const { port } = await startWith({ maxUnseenBytes: LIMIT });
    const { text, closed } = await rawExchange(port, `${HEAD}Content-Length: ${2 * LIMIT}\r\n\r\n{`);
    expect(text)
      .to.match(/^HTTP\/1\.1 429 /)
      .and.to.match(/^connection: close\r$/im);
    expect(closed).to.equal(true);
  });
});

describe("messages that unfold to far more than they are", () => {
  afterEach(stopEdges);
  const PATH = "/worldservice.v1.RebalanceService/PlanRebalance";
  /** A rebalance of 60 MiB of nothing but empty positions, in the 60 KiB that travel. */
  const bomb = (() => {
    const empty = Buffer.alloc(60 * 1024 * 1024, Buffer.from([0x2a, 0x00]));
    const length = empty.length;
    const varint = [
      (length & 0x7f) | 0x80,
      ((length >>> 7) & 0x7f) | 0x80,
      ((length >>> 14) & 0x7f) | 0x80,
      length >>> 21,
    ];
    return gzipSync(Buffer.concat([Buffer.from([0x0a, ...varint]), empty]), { level: 1 });
  })();

  it("are refused before they are decoded (gRPC)", async () => {
    const { port } = await startWith({});
    const headers = {
      ":path": PATH,
      "content-type": "application/grpc",
      "grpc-encoding": "gzip",
      te: "trailers",
    };
    const answer = await rawHttp2(port, headers, envelope(bomb, 1));
    expect(answer.trailers["grpc-status"] ?? answer.headers["grpc-status"]).to.equal("8");
    expect(
      decodeURIComponent(String(answer.trailers["grpc-message"] ?? answer.headers["grpc-message"])),
    ).to.contain("messages");
  });

  it("are refused by their size where nobody can look into them (compressed in Connect)", async () => {
    const { url } = await startWith({});
    const headers = { "content-type": "application/proto", "content-encoding": "gzip" };
    const answer = await fetch(`${url}${PATH}`, { method: "POST", headers, body: Uint8Array.from(bomb) });
    expect(await answer.text()).to.contain("MESSAGE_TOO_LARGE");
  });

  for (const [contentType, enveloped] of [
    ["application/proto", false],
    ["application/grpc-web+proto", true],
  ] as const) {
    it(`are looked into where they come as they are (${contentType})`, async () => {
      const { port } = await startWith({});
      const plain = Buffer.alloc(4_000_000, Buffer.from([0x78, 0x00])); // fields that nobody knows
      const headers = { ":path": PATH, "content-type": contentType, te: "trailers" };
      const {
        body,
        trailers,
        headers: sent,
      } = await rawHttp2(port, headers, enveloped ? envelope(plain) : plain);
      const said = [body, trailers["grpc-message"], sent["grpc-message"]].map((text) =>
        decodeURIComponent(String(text ?? "")),
      );
      expect(said.join()).to.contain("more than");
    });
  }
});
