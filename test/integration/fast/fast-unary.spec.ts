import http2 from "node:http2";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { expect } from "chai";
import {
  ApplyRebalanceRequestSchema,
  ApplyRebalanceResponseSchema,
  RebalanceService,
} from "#gen/worldservice/v2/rebalance_service_pb.ts";
import {
  APPLY,
  envelope,
  gzipped,
  MAX_BYTES,
  type Observed,
  observe,
  type RawCall,
  startServer,
  type TestServer,
} from "./support.ts";

const message = (init: MessageInitShape<typeof ApplyRebalanceRequestSchema>): Buffer =>
  Buffer.from(toBinary(ApplyRebalanceRequestSchema, create(ApplyRebalanceRequestSchema, init)));

/** A call of the behaviour of that name. */
const run = (runId: string, headers: Record<string, string> = {}): RawCall => ({
  headers,
  chunks: [envelope(message({ runId, rebalance: {} }))],
});

const position = { worldId: "w", strategyId: "s", symbol: "x", venue: "v", qty: 1, mark: 2 };
const positions = message({ runId: "positions", rebalance: { positions: [position, position] } });
const ok = envelope(message({ runId: "ok", rebalance: {} }));
const unknownField = Buffer.from([0xfa, 0x3f, 0x01, 0x78]);
const oversized = Buffer.alloc(5);
oversized.writeUInt32BE(MAX_BYTES + 1, 1);

const CASES: Record<string, RawCall> = {
  "a success": run("ok"),
  "a success of an empty answer": run("empty"),
  "headers and trailers": run("headers"),
  "what a handler sees": run("seen", { "x-custom": "a", cookie: "k=v", "x-data-bin": "AAE" }),
  "a content type with +proto": run("seen", { "content-type": "application/grpc+proto" }),
  "a content type in capitals": run("ok", { "content-type": "Application/gRPC" }),
  "JSON over gRPC": {
    headers: { "content-type": "application/grpc+json" },
    chunks: [envelope(Buffer.from('{"runId":"ok","rebalance":{}}'))],
  },
  "a content type of no protocol": run("ok", { "content-type": "text/plain" }),
  "another HTTP method": { ...run("ok"), headers: { ":method": "PUT" } },
  "a method that is not implemented": { ...run("ok"), path: APPLY.replace("Apply", "Execute") },
  "a method that does not exist": { ...run("ok"), path: APPLY.replace("Apply", "Undo") },
  "a domain error with metadata": run("domain"),
  "a domain error with fields": run("field"),
  "a domain error after a while": run("later"),
  "an error of Connect with details": run("connect"),
  "a crash": run("crash"),
  "a refusal by the gate": run("ok", { "x-refuse": "1" }),
  "a refusal by the gate of an endless request": { ...run("ok", { "x-refuse": "1" }), end: false },
  "a request that breaks a rule": { chunks: [envelope(message({ runId: "" }))] },
  "an empty message": { chunks: [envelope(Buffer.alloc(0))] },
  "an unknown field": {
    chunks: [envelope(Buffer.concat([message({ runId: "seen", rebalance: {} }), unknownField]))],
  },
  positions: { chunks: [envelope(positions)] },
  "positions in many chunks": {
    chunks: Array.from({ length: 12 }, (_, at) => envelope(positions).subarray(at * 8, at * 8 + 8)),
  },
  "rows and table together": {
    chunks: [
      envelope(message({ runId: "positions", rebalance: { positions: [position], positionTable: {} } })),
    ],
  },
  "a malformed message": { chunks: [envelope(Buffer.from([0x0a, 0x05, 0x61]))] },
  "a malformed row": { chunks: [envelope(Buffer.from([0x12, 0x05, 0x2a, 0x03, 0x0a, 0x01, 0xff]))] },
  "no message": { chunks: [] },
  "no message, and an end that comes before the gate is passed": {
    headers: { "x-slow-gate": "1" },
    chunks: [],
  },
  "half a head": { chunks: [Buffer.from([0, 0])] },
  "half a message": { chunks: [ok.subarray(0, ok.length - 1)] },
  "two messages": { chunks: [Buffer.concat([ok, ok])] },
  "two messages in two chunks": { chunks: [ok, ok] },
  "a second message that is never finished": { chunks: [ok, ok.subarray(0, 7)] },
  "a second message that is too large": { chunks: [ok, oversized] },
  "a malformed message and another": { chunks: [envelope(Buffer.from([0x0a, 0x05])), ok] },
  "a message that claims to be too large": { chunks: [oversized], end: false },
  "a message that is too large": { chunks: [envelope(Buffer.alloc(MAX_BYTES + 1))] },
  "a message of just the largest size": { chunks: [envelope(Buffer.alloc(MAX_BYTES))] },
  "an answer that is too large": run("too-large"),
  "an answer that could be compressed": run("large"),
  "a compressed answer": run("large", { "grpc-accept-encoding": "identity,deflate,gzip" }),
  "an answer too small to be compressed": run("ok", { "grpc-accept-encoding": "gzip" }),
  "a compressed request": {
    headers: { "grpc-encoding": "gzip" },
    chunks: [envelope(gzipped(message({ runId: "large", rebalance: {} })), 1)],
  },
  "a compressed request that is too large": {
    headers: { "grpc-encoding": "gzip" },
    chunks: [envelope(gzipped(Buffer.alloc(MAX_BYTES * 4)), 1)],
  },
  "a request that is not what its compression says": {
    headers: { "grpc-encoding": "gzip" },
    chunks: [envelope(Buffer.from("garbage"), 1)],
  },
  "a compressed request without a named compression": { chunks: [envelope(gzipped(ok), 1)] },
  "an unknown compression": run("ok", { "grpc-encoding": "zstd" }),
  "a deadline": run("wait", { "grpc-timeout": "30m" }),
  "a deadline in other units": run("seen", { "grpc-timeout": "50S" }),
  "a deadline that nobody can read": run("ok", { "grpc-timeout": "soon" }),
  "a deadline beyond the longest": run("ok", { "grpc-timeout": "99999999H" }),
  "a body that does not arrive": { chunks: [ok.subarray(0, 6)], end: false },
  "a body that does not arrive within the deadline": {
    headers: { "grpc-timeout": "50m" },
    chunks: [ok.subarray(0, 6)],
    end: false,
  },
  "a cancelled call": { ...run("wait"), cancelAfterMs: 30 },
};

/** Cases that a fast handler must leave to the ordinary one. */
const NOT_FAST = new Set([
  "JSON over gRPC",
  "a content type of no protocol",
  "another HTTP method",
  "a method that does not exist",
]);

describe("fast unary handlers", () => {
  let ordinary: TestServer;
  let fast: TestServer;

  beforeEach(async () => {
    [ordinary, fast] = await Promise.all([startServer("ordinary"), startServer("fast")]);
  });
  afterEach(async () => {
    await Promise.all([ordinary.close(), fast.close()]);
  });

  async function both(call: RawCall): Promise<[Observed, Observed]> {
    return Promise.all([observe(ordinary.port, call), observe(fast.port, call)]);
  }

  for (const [name, call] of Object.entries(CASES)) {
    it(`answer as the ordinary handlers do: ${name}`, async () => {
      const [expected, answer] = await both(call);
      expect(answer).to.deep.equal(expected);
      expect(fast.fastCalls()).to.equal(NOT_FAST.has(name) ? 0 : 1);
      expect(ordinary.fastCalls()).to.equal(0);
    });
  }

  it("are compared by calls that do reach a handler", async () => {
    const [{ headers, trailers }] = await both(run("headers"));
    expect(headers).to.include({ ":status": 200, "x-header": "one, two", "x-request-id": "r1" });
    expect(trailers).to.deep.include({ "grpc-status": "0", "x-trailer": "three" });
    const [refused] = await both(run("field"));
    expect(refused.trailers).to.include({ "grpc-status": "3" });
    expect(refused.trailers.details).to.include("rebalance.positions[3].qty");
  });

  it("tell a handler that its caller has gone, as the ordinary ones do", async () => {
    await both({ ...run("wait"), cancelAfterMs: 30 });
    await until(() => fast.aborted.length === 1 && ordinary.aborted.length === 1);
    expect(fast.aborted).to.deep.equal(ordinary.aborted);
    expect(fast.aborted[0]).to.include("CANCEL");
  });

  it("tell a handler that the server shuts down, as the ordinary ones do", async () => {
    const answers = both(run("wait"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    ordinary.shutDown();
    fast.shutDown();
    const [expected, answer] = await answers;
    expect(answer).to.deep.equal(expected);
    expect(answer.trailers).to.include({ "grpc-status": "14" });
    const [lateExpected, late] = await both(run("wait"));
    expect(late).to.deep.equal(lateExpected);
  });

  it("end a call whose deadline has passed when it comes, as the ordinary ones do", async () => {
    // Which of its two clocks tells first is a matter of luck, in both.
    for (const { trailers } of await both(run("wait", { "grpc-timeout": "0n" }))) {
      expect(trailers).to.include({ "grpc-status": "4" });
    }
  });

  it("serve the next call after every one of these", async () => {
    for (const call of Object.values(CASES)) await observe(fast.port, call);
    const { trailers } = await observe(fast.port, run("ok"));
    expect(trailers).to.include({ "grpc-status": "0" });
  });

  it("serve grpc-js: answer, metadata, error, deadline", async () => {
    const results = await Promise.all([ordinary, fast].map((server) => throughGrpcJs(server.port)));
    expect(results[1]).to.deep.equal(results[0]);
    expect(results[1]?.map(({ code }) => code)).to.deep.equal([0, 0, 6, 13, 4]);
  });

  it("serve Connect's gRPC client: answer, compressed answer, error with details", async () => {
    const results = await Promise.all([ordinary, fast].map((server) => throughConnect(server.port)));
    expect(results[1]).to.deep.equal(results[0]);
    expect(fast.fastCalls()).to.equal(4);
  });

  it("serve many calls on one connection at once", async () => {
    const transport = createGrpcTransport({ baseUrl: `http://127.0.0.1:${fast.port}` });
    const client = createClient(RebalanceService, transport);
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => client.applyRebalance({ runId: "ok", rebalance: {} })),
    );
    expect(new Set(answers.map(({ runId }) => runId))).to.deep.equal(new Set(["ok"]));
  });

  it("survive a connection that breaks while calls wait", async () => {
    const session = http2.connect(`http://127.0.0.1:${fast.port}`);
    session.on("error", () => undefined);
    for (let at = 0; at < 10; at++) {
      const stream = session.request({
        ":method": "POST",
        ":path": APPLY,
        "content-type": "application/grpc",
      });
      stream.on("error", () => undefined);
      stream.end(run("wait").chunks[0]);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    session.destroy();
    await until(() => fast.aborted.length === 10);
    const { trailers } = await observe(fast.port, run("ok"));
    expect(trailers).to.include({ "grpc-status": "0" });
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

interface GrpcJsResult {
  readonly code: number;
  readonly text: string;
  readonly metadata: unknown;
}

async function throughGrpcJs(port: number): Promise<GrpcJsResult[]> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const call = (runId: string, deadlineMs = 5000) =>
    new Promise<GrpcJsResult>((resolve) => {
      const metadata = new Metadata();
      metadata.set("x-request-id", "r1");
      const serialize = (request: Buffer) => request;
      const read = (bytes: Buffer) => bytes.toString("hex");
      const settle = (error: ServiceError | null, text: string | undefined) =>
        resolve({
          code: error?.code ?? 0,
          text: text ?? (error?.code === 4 ? "" : (error?.details ?? "")),
          metadata: error?.metadata.get("x-trailer"),
        });
      const options = { deadline: Date.now() + deadlineMs };
      client.makeUnaryRequest(
        APPLY,
        serialize,
        read,
        message({ runId, rebalance: {} }),
        metadata,
        options,
        settle,
      );
    });
  const results: GrpcJsResult[] = [];
  for (const runId of ["headers", "large", "domain", "crash"]) results.push(await call(runId));
  results.push(await call("wait", 60));
  client.close();
  return results;
}

async function throughConnect(port: number): Promise<unknown[]> {
  const transport = createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` });
  const client = createClient(RebalanceService, transport);
  const results: unknown[] = [];
  for (const runId of ["headers", "large"]) {
    const answer = await client.applyRebalance(
      { runId, rebalance: {} },
      { onTrailer: (trailers) => results.push(trailers.get("x-trailer")) },
    );
    results.push(toBinary(ApplyRebalanceResponseSchema, answer));
  }
  for (const runId of ["domain", "field"]) {
    results.push(
      await client.applyRebalance({ runId, rebalance: {} }).catch(({ code, rawMessage, details }) => ({
        code,
        rawMessage,
        details,
      })),
    );
  }
  return results;
}
