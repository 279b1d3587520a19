import { createSecureServer, createServer, type Http2SecureServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { expect } from "chai";
import { OrderState, RebalanceExecutorService } from "#gen/worldservice/v1/rebalance_executor_service_pb.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "#thirdparty/google/rpc/error_details_pb.ts";
import { grpcExecutor } from "../../../src/adapters/executor/grpc.ts";
import { DomainError } from "../../../src/domain/errors.ts";
import type { Executor, Submission } from "../../../src/ports/executor.ts";
import { certificateFolder } from "../security/support-certificates.ts";

type NodeHandler = ReturnType<typeof connectNodeAdapter>;
type Service = Partial<ServiceImpl<typeof RebalanceExecutorService>>;

const ORDER = {
  clientOrderId: "o1",
  worldId: "w",
  strategyId: "",
  symbol: "X",
  venue: "",
  side: "SELL",
  quantity: 2,
  timeInForce: "IOC",
  reduceOnly: true,
  hedgeMode: undefined,
} as const;
const SUBMISSION: Submission = { runId: "r", fence: 7, orders: [{ order: ORDER, price: 3 }] };

function refused(code: Code, reason?: string, retryMs?: number): ConnectError {
  const error = new ConnectError("no", code);
  if (reason !== undefined) {
    error.details.push({ desc: ErrorInfoSchema, value: { reason, domain: "worldservice" } });
  }
  if (retryMs !== undefined) {
    error.details.push({ desc: RetryInfoSchema, value: { retryDelay: { nanos: retryMs * 1e6 } } });
  }
  return error;
}

describe("the grpc executor", () => {
  const closing: (() => void)[] = [];
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  async function serve(
    service: Service,
    server: (handler: NodeHandler) => Http2Server | Http2SecureServer = createServer,
  ): Promise<number> {
    const handler = connectNodeAdapter({
      routes: (router) => router.service(RebalanceExecutorService, service),
    });
    const listening = server(handler);
    const sessions = new Set<{ destroy(): void }>();
    listening.on("session", (session: { destroy(): void }) => sessions.add(session));
    await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
    closing.push(() => {
      for (const session of sessions) session.destroy();
      listening.close();
    });
    return (listening.address() as AddressInfo).port;
  }

  function connect(port: number, tlsCa?: string): Executor {
    const executor = grpcExecutor({
      host: "localhost", // a server name in TLS is never an address
      port,
      tlsCa,
      submitTimeoutMs: 300,
      askTimeoutMs: 1_000,
    });
    closing.push(() => void executor.close());
    return executor;
  }

  const reasonOf = (work: Promise<unknown>) =>
    work.then(
      () => "answered",
      (error: unknown) => (error instanceof DomainError ? error.reason : String(error)),
    );

  it("carries orders as they are, and what became of them back", async () => {
    let seen: unknown;
    const port = await serve({
      submitOrders({ runId, fence, orders }) {
        seen = { runId, fence, order: orders[0] };
        const fills = [{ quantity: 2, price: 4 }];
        return { statuses: [{ clientOrderId: "o1", state: OrderState.FILLED, fills, message: "ok" }] };
      },
    });
    const outcome = await connect(port).submit(SUBMISSION);
    expect(seen).to.have.property("fence", 7n);
    expect((seen as { order: object }).order).to.deep.include({
      clientOrderId: "o1",
      symbol: "X",
      venue: "",
      side: 2,
      quantity: 2,
      timeInForce: 2,
      reduceOnly: true,
    });
    const fills = [{ quantity: 2, price: 4, filledAtMs: 0 }];
    expect(outcome).to.deep.equal({
      kind: "answered",
      statuses: [{ clientOrderId: "o1", state: "FILLED", fills, message: "ok" }],
    });
  });

  it("is unavailable while nobody listens, and finds the executor once somebody does", async () => {
    const port = await serve({});
    for (const close of closing.splice(0)) close();
    const executor = connect(port);
    expect(await reasonOf(executor.capabilities())).to.equal("EXECUTOR_UNAVAILABLE");
    expect((await executor.submit(SUBMISSION)).kind).to.equal("unknown");
    expect(await executor.lookUp("r", ["o1"])).to.equal(undefined);
  });

  it("asks for the abilities once per connection", async () => {
    let asked = 0;
    const service: Service = {
      getExecutorCapabilities() {
        asked += 1;
        return { lookup: true, visibilityDelay: { nanos: 5e8 } };
      },
    };
    const executor = connect(await serve(service));
    const abilities = { idempotentSubmit: false, lookup: true, visibilityDelayMs: 500 };
    expect(await executor.capabilities()).to.deep.equal(abilities);
    expect(await executor.capabilities()).to.deep.equal(abilities);
    expect(asked).to.equal(1);
  });

  it("refuses abilities that make no sense", async () => {
    const port = await serve({ getExecutorCapabilities: () => ({ visibilityDelay: { seconds: -5n } }) });
    expect(await reasonOf(connect(port).capabilities())).to.equal("EXECUTOR_UNAVAILABLE");
  });

  it("does not know what became of a call that took too long", async () => {
    const port = await serve({
      async submitOrders() {
        await sleep(600);
        return {};
      },
    });
    const outcome = await connect(port).submit(SUBMISSION);
    expect(outcome.kind).to.equal("unknown");
  });

  it("does not send a call again by itself when the connection breaks under it", async () => {
    let calls = 0;
    const port = await serve({
      submitOrders(_request, { requestHeader }) {
        calls += 1;
        expect(requestHeader.get("grpc-previous-rpc-attempts")).to.equal(null);
        for (const close of closing.splice(0, 1)) close();
        return {};
      },
    });
    expect((await connect(port).submit(SUBMISSION)).kind).to.equal("unknown");
    await sleep(200);
    expect(calls).to.equal(1);
  });

  for (const [error, kind] of [
    [refused(Code.InvalidArgument), "refused"],
    [refused(Code.PermissionDenied), "refused"],
    [refused(Code.Unauthenticated), "refused"],
    [refused(Code.Aborted, "LOCK_LOST"), "fenced"],
    [refused(Code.ResourceExhausted, "LIMIT_EXCEEDED", 250), "busy"],
    // The same codes come from connections that were cut: without the contract's reason they tell nothing.
    [refused(Code.Aborted), "unknown"],
    [refused(Code.ResourceExhausted), "unknown"],
    [refused(Code.Unavailable), "unknown"],
    [refused(Code.Internal), "unknown"],
    [refused(Code.Unimplemented), "unknown"],
    [refused(Code.Canceled), "unknown"],
  ] as const) {
    const named = error.details.length > 0 ? " with the contract's reason" : "";
    it(`takes ${Code[error.code]}${named} for ${kind}`, async () => {
      const port = await serve({
        submitOrders() {
          throw error;
        },
      });
      const outcome = await connect(port).submit(SUBMISSION);
      expect(outcome.kind).to.equal(kind);
      if (outcome.kind === "busy") expect(outcome.retryAfterMs).to.equal(250);
    });
  }

  it("looks orders up in pages", async () => {
    const pages: number[] = [];
    const port = await serve({
      getOrders({ clientOrderIds }) {
        pages.push(clientOrderIds.length);
        return {
          statuses: clientOrderIds.map((clientOrderId) => ({ clientOrderId, state: OrderState.NOT_FOUND })),
        };
      },
    });
    const ids = Array.from({ length: 10_001 }, (_, i) => `o${i}`);
    const found = await connect(port).lookUp("r", ids);
    expect(found?.length).to.equal(10_001);
    expect(pages.sort()).to.deep.equal([1, 10_000]);
  });

  it("speaks TLS with the authority it is given, and with no other", async () => {
    const service: Service = { getExecutorCapabilities: () => ({ lookup: true }) };
    const folder = certificateFolder();
    closing.push(() => folder.remove());
    const own = folder.make("own");
    const other = folder.make("other");
    const identity = { cert: folder.read(own.cert), key: folder.read(own.key) };
    const port = await serve(service, (handler) => createSecureServer(identity, handler));
    expect((await connect(port, own.cert).capabilities()).lookup).to.equal(true);
    for (const tlsCa of [other.cert, undefined, `${own.cert}.gone`]) {
      expect(await reasonOf(connect(port, tlsCa).capabilities())).to.equal("EXECUTOR_UNAVAILABLE");
    }
  });
});
