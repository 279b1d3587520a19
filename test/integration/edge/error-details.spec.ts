import process from "node:process";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { Code, ConnectError } from "@connectrpc/connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import * as grpc from "@grpc/grpc-js";
import { expect } from "chai";
import { DomainError, invalidFields } from "../../../src/domain/errors.ts";
import {
  clients,
  collect,
  envelope,
  failureOf,
  PLAN_PATH,
  rawHttp2,
  seen,
  startEdge,
  stopEdges,
  TRANSPORT_NAMES,
  topic,
  validRequest,
} from "./support.ts";

const frozen = () => new DomainError("WORLD_FROZEN", "world w1 is frozen", { metadata: { world_id: "w1" } });

/** A gRPC answer over raw HTTP/2, as a caller would read it. */
async function grpcAnswer(port: number, headers: Record<string, string>, body: Buffer) {
  const answer = await rawHttp2(
    port,
    { "content-type": "application/grpc", te: "trailers", ...headers },
    body,
  );
  const found = new Headers();
  for (const [name, value] of Object.entries({ ...answer.headers, ...answer.trailers })) {
    if (!name.startsWith(":") && typeof value === "string") found.set(name, value);
  }
  return seen(findTrailerError(found));
}

/** A Connect answer over fetch: HTTP status and the error's JSON. */
async function connectAnswer(
  url: string,
  headers: Record<string, string>,
  body: string | Uint8Array<ArrayBuffer>,
) {
  const response = await fetch(`${url}${PLAN_PATH}`, { method: "POST", headers, body });
  const text = await response.text();
  const error = JSON.parse(text) as {
    code: string;
    details: { type: string; debug: Record<string, unknown> }[];
  };
  const info = error.details.find((detail) => detail.type === "google.rpc.ErrorInfo")?.debug;
  return { status: response.status, code: error.code, reason: info?.reason, domain: info?.domain, text };
}

describe("error details", () => {
  afterEach(stopEdges);

  for (const name of TRANSPORT_NAMES) {
    describe(`by ${name}`, () => {
      it("arrive with a refused call", async () => {
        const { url } = await startEdge({ plan: () => Promise.reject(frozen()) });
        expect(await failureOf(clients(url, name).rebalance.planRebalance(validRequest))).to.deep.include({
          code: Code.FailedPrecondition,
          message: "world w1 is frozen",
          reason: "WORLD_FROZEN",
          domain: "worldservice",
          metadata: { world_id: "w1" },
        });
      });

      it("arrive when a stream fails after its first message", async () => {
        const { url } = await startEdge({
          async *subscribe() {
            yield topic("one");
            throw frozen();
          },
        });
        const received: unknown[] = [];
        const reading = (async () => {
          for await (const message of clients(url, name).bus.subscribe({})) received.push(message);
        })();
        expect(await failureOf(reading)).to.include({
          code: Code.FailedPrecondition,
          reason: "WORLD_FROZEN",
        });
        expect(received).to.have.length(1);
      });

      it("name the wrong fields", async () => {
        const violations = [{ field: "rebalance.positions[3].qty", description: "must be finite" }];
        const { url } = await startEdge({ plan: () => Promise.reject(invalidFields(violations)) });
        expect(await failureOf(clients(url, name).rebalance.planRebalance(validRequest))).to.deep.include({
          code: Code.InvalidArgument,
          reason: "INVALID_FIELD",
          fields: ["rebalance.positions[3].qty"],
        });
      });

      it("hide what a handler threw by mistake, and log it under the id the caller got", async () => {
        const { url, lines } = await startEdge({
          plan: () => Promise.reject(new Error("redis.internal refused key {book}:lock")),
          subscribe() {
            throw new Error("redis.internal refused key {book}:s");
          },
        });
        const { rebalance, bus } = clients(url, name);
        for (const call of [() => rebalance.planRebalance(validRequest), () => collect(bus.subscribe({}))]) {
          const failure = await failureOf(call());
          expect(failure).to.include({ code: Code.Internal, message: "internal error", reason: "INTERNAL" });
          const logged = lines.find((line) => line.errorId === failure.metadata?.error_id);
          expect(JSON.stringify(logged?.err)).to.contain("redis.internal");
        }
      });

      it("say which rule of the proto a request breaks", async () => {
        const { url } = await startEdge();
        const { rebalance, bus } = clients(url, name);
        const wrong = rebalance.planRebalance({
          rebalance: { totalEquity: -1, worldAllocAfter: { 'w"1': 1.5 } },
        });
        expect(await failureOf(wrong)).to.deep.include({
          code: Code.InvalidArgument,
          reason: "INVALID_FIELD",
          fields: ["rebalance.total_equity", 'rebalance.world_alloc_after["w\\"1"]'],
        });
        const badStream = collect(bus.subscribe({ worldIds: ["w1", ""] }));
        expect(await failureOf(badStream)).to.deep.include({
          reason: "INVALID_FIELD",
          fields: ["world_ids[1]"],
        });
      });

      it("tell an unanswered call from a refused one: the deadline has its own reason", async () => {
        const { url } = await startEdge({
          plan: (_, { signal }) =>
            new Promise((_resolve, reject) => {
              // As a handler does that checks its signal late: the client's own clock must not answer for us.
              signal.addEventListener("abort", () => reject(signal.reason));
            }),
        });
        const failure = await failureOf(
          clients(url, name).rebalance.planRebalance(validRequest, { timeoutMs: 60 }),
        );
        expect(failure.code).to.equal(Code.DeadlineExceeded);
      });

      it("come with a message that is too large, read or written", async () => {
        const large = "x".repeat(20_000);
        const { url } = await startEdge(
          {
            plan: () => ({ plan: { warnings: [{ message: large }] } }),
            async *subscribe() {
              yield topic(large);
            },
          },
          { limits: { maxMessageBytes: 10_000 } },
        );
        const { rebalance, bus } = clients(url, name);
        const tooLarge = { code: Code.ResourceExhausted, reason: "MESSAGE_TOO_LARGE" };
        const request = { rebalance: { positions: [{ worldId: large }] } };
        expect(await failureOf(rebalance.planRebalance(request))).to.include(tooLarge);
        expect(await failureOf(rebalance.planRebalance(validRequest))).to.include(tooLarge);
        expect(await failureOf(collect(bus.subscribe({ afterCursor: large })))).to.include(tooLarge);
        expect(await failureOf(collect(bus.subscribe({})))).to.include(tooLarge);
      });
    });
  }

  it("reach grpc-js as trailers of a refused call", async () => {
    const { port } = await startEdge({ plan: () => Promise.reject(frozen()) });
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    const raw = (bytes: Buffer) => bytes;
    const request = Buffer.from([0x0a, 0x09, 0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
    const error = await new Promise<grpc.ServiceError | null>((resolve) => {
      client.makeUnaryRequest(PLAN_PATH, raw, raw, request, (failure) => resolve(failure));
    });
    client.close();
    expect(error?.code).to.equal(grpc.status.FAILED_PRECONDITION);
    const [details] = error?.metadata.get("grpc-status-details-bin") ?? [];
    expect(details?.toString()).to.contain("WORLD_FROZEN").and.to.contain("google.rpc.ErrorInfo");
  });

  describe("of requests that no interceptor sees", () => {
    it("come with bytes that are no message", async () => {
      const { port, url } = await startEdge();
      const garbage = Buffer.from([0x0a, 0xff, 0xff, 0xff]);
      const expected = { code: Code.InvalidArgument, reason: "INVALID_FIELD", domain: "worldservice" };
      expect(await grpcAnswer(port, {}, envelope(garbage))).to.include(expected);
      expect(await connectAnswer(url, { "content-type": "application/proto" }, garbage)).to.include({
        status: 400,
        code: "invalid_argument",
        reason: "INVALID_FIELD",
      });
    });

    it("come with JSON that is none, and with JSON of another shape, whose field is named", async () => {
      const { url } = await startEdge();
      const json = { "content-type": "application/json" };
      const refused = { status: 400, code: "invalid_argument", reason: "INVALID_FIELD" };
      expect(await connectAnswer(url, json, "{")).to.include(refused);
      const wrongType = await connectAnswer(url, json, '{"rebalance":{"totalEquity":"much"}}');
      expect(wrongType).to.include(refused);
      expect(wrongType.text).to.contain('"field":"total_equity"');
    });

    it("come with an unknown compression, a bad one and a bomb", async () => {
      const { port, url } = await startEdge({}, { limits: { maxMessageBytes: 100_000 } });
      expect(await grpcAnswer(port, { "grpc-encoding": "zip" }, envelope(Buffer.alloc(4)))).to.include({
        code: Code.Unimplemented,
        reason: "UNIMPLEMENTED",
      });
      expect(
        await grpcAnswer(port, { "grpc-encoding": "gzip" }, envelope(Buffer.from("no gzip"), 1)),
      ).to.include({
        code: Code.InvalidArgument,
        reason: "INVALID_FIELD",
      });
      const bomb = Buffer.alloc(50_000_000);
      for (const [encoding, bytes] of [
        ["gzip", gzipSync(bomb)],
        ["br", brotliCompressSync(bomb)],
      ] as const) {
        expect(bytes.length).to.be.below(100_000);
        expect(await grpcAnswer(port, { "grpc-encoding": encoding }, envelope(bytes, 1))).to.include({
          code: Code.ResourceExhausted,
          reason: "MESSAGE_TOO_LARGE",
        });
        const headers = { "content-type": "application/proto", "content-encoding": encoding };
        expect(await connectAnswer(url, headers, bytes)).to.include({
          status: 429,
          reason: "MESSAGE_TOO_LARGE",
        });
      }
    });

    it("come with a deadline that is too long or unreadable", async () => {
      const { port, url } = await startEdge();
      const warnings: Error[] = [];
      const remember = (warning: Error) => warnings.push(warning);
      process.on("warning", remember);
      for (const timeout of ["99999999H", "soon"]) {
        expect(
          await grpcAnswer(port, { "grpc-timeout": timeout }, envelope(Buffer.alloc(0))),
        ).to.deep.include({
          code: Code.InvalidArgument,
          reason: "INVALID_FIELD",
          fields: ["timeout"],
        });
      }
      const headers = { "content-type": "application/json", "connect-timeout-ms": "60001" };
      expect(await connectAnswer(url, headers, "{}")).to.include({ status: 400, reason: "INVALID_FIELD" });
      process.off("warning", remember);
      expect(warnings).to.deep.equal([]); // a timer that overflows warns on stderr, for every such call
    });

    it("come with what a gate refuses, before the body is read", async () => {
      const gate = () => {
        throw new DomainError("UNAUTHENTICATED", "no token");
      };
      const { port, url } = await startEdge({}, { gate });
      const expected = { code: Code.Unauthenticated, reason: "UNAUTHENTICATED" };
      expect(await grpcAnswer(port, {}, envelope(Buffer.from([0xff])))).to.include(expected);
      expect(await connectAnswer(url, { "content-type": "application/json" }, "{")).to.include({
        status: 401,
      });
    });
  });

  it("carry no text of a broken handler even when it throws a ConnectError by itself", async () => {
    const { url } = await startEdge({
      plan: () => Promise.reject(new ConnectError("redis.internal:6379", Code.Unknown)),
    });
    const failure = await failureOf(clients(url, "gRPC").rebalance.planRebalance(validRequest));
    expect(failure).to.include({ code: Code.Internal, message: "internal error", reason: "INTERNAL" });
  });
});
