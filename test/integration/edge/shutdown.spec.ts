import http2 from "node:http2";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { pino } from "pino";
import { RetryInfoSchema } from "#thirdparty/google/rpc/error_details_pb.ts";
import { createEdge } from "../../../src/rpc/edge/create-edge.ts";
import {
  clients,
  collect,
  failureOf,
  PLAN_PATH,
  rawExchange,
  seen,
  startEdge,
  stopEdges,
  TRANSPORT_NAMES,
  topic,
  validRequest,
} from "./support.ts";

/** A feed that never ends by itself and says at its end why, as the control bus does. */
async function* endlessFeed(_request: unknown, { signal }: { signal: AbortSignal }) {
  yield topic("one");
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  yield topic("last");
  signal.throwIfAborted();
}

/** For handlers that never end: the timer of a call's deadline would keep the test process waiting. */
const STUCK = { limits: { maxTimeoutMs: 1000 } };

/** A grace time after which the test has long failed: what needs it does not end by itself. */
const NEVER_REACHED = 2 ** 30;

describe("shutting the edge down", () => {
  afterEach(stopEdges);

  for (const name of TRANSPORT_NAMES) {
    it(`ends an open stream with UNAVAILABLE DRAINING, after a last message (${name})`, async () => {
      const { edge, url } = await startEdge({ subscribe: endlessFeed });
      const received: unknown[] = [];
      let closed: Promise<void> | undefined;
      const reading = (async () => {
        for await (const { message } of clients(url, name).bus.subscribe({})) {
          received.push(message.value);
          closed ??= edge.close(5000);
        }
      })();
      const error = await reading.then(
        () => undefined,
        (reason) => reason,
      );
      expect(seen(error)).to.include({ code: Code.Unavailable, reason: "DRAINING", domain: "worldservice" });
      expect(error.findDetails(RetryInfoSchema)).to.have.length(1);
      expect(received).to.have.length(2);
      await closed;
    });

    it(`lets a running call finish and refuses the next (${name})`, async () => {
      const called = Promise.withResolvers<void>();
      const release = Promise.withResolvers<void>();
      const { edge, url } = await startEdge({
        plan: async () => {
          called.resolve();
          await release.promise;
          return {};
        },
      });
      const { rebalance } = clients(url, name);
      const running = rebalance.planRebalance(validRequest);
      await called.promise;
      edge.drain();
      expect(await failureOf(rebalance.planRebalance(validRequest))).to.include({
        code: Code.Unavailable,
        reason: "DRAINING",
      });
      const closed = edge.close(5000);
      release.resolve();
      expect((await running).$typeName).to.equal("worldservice.v1.PlanRebalanceResponse");
      await closed;
    });
  }

  it("still answers health while it drains", async () => {
    const { edge, url } = await startEdge();
    edge.drain();
    const response = await fetch(`${url}/grpc.health.v1.Health/Check`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    expect(await response.json()).to.deep.equal({ status: "SERVING" });
    expect(response.headers.get("connection")).to.equal("close");
  });

  it("sends GOAWAY to HTTP/2 callers and takes no new connections", async () => {
    const { edge, url, port } = await startEdge();
    const session = http2.connect(url);
    await new Promise((resolve) => session.once("remoteSettings", resolve));
    const goaway = new Promise((resolve) => session.once("goaway", resolve));
    await edge.close(NEVER_REACHED);
    expect(await goaway).to.equal(http2.constants.NGHTTP2_NO_ERROR);
    const refused = await new Promise<NodeJS.ErrnoException>((resolve) =>
      net.connect(port, "127.0.0.1").once("error", resolve),
    );
    expect(refused.code).to.equal("ECONNREFUSED");
  });

  it("drops idle and undecided connections at once, not after the grace time", async () => {
    const { edge, port } = await startEdge();
    const head = `POST ${PLAN_PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 31\r\n\r\n`;
    const idle = net.connect(port, "127.0.0.1", () => idle.write(`${head}{"rebalance":{"totalEquity":1}}`));
    await new Promise((resolve) => idle.once("data", resolve));
    const silent = net.connect(port, "127.0.0.1");
    await new Promise((resolve) => silent.once("connect", resolve));
    await sleep(20); // until the server has accepted it, too
    await edge.close(NEVER_REACHED);
  });

  it("drops what does not end within the grace time", async () => {
    const { edge, url } = await startEdge({ plan: () => new Promise(() => undefined) }, STUCK);
    const stuck = ["gRPC", "Connect JSON over HTTP/1.1"].map((name) =>
      clients(url, name)
        .rebalance.planRebalance(validRequest)
        .then(
          () => "answered",
          () => "dropped",
        ),
    );
    await sleep(50);
    await edge.close(50);
    expect(await Promise.all(stuck)).to.deep.equal(["dropped", "dropped"]);
  });

  it("joins a second call of close to the first", async () => {
    const { edge } = await startEdge({ plan: () => new Promise(() => undefined) }, STUCK);
    await Promise.all([edge.close(1000), edge.close(1000)]);
    await edge.close(1000);
  });

  it("closes an edge that never listened", async () => {
    await createEdge({ routes: () => undefined, log: pino({ level: "silent" }) }).close(1000);
  });

  it("releases a stream whose reader stopped reading and went away", async () => {
    const released = Promise.withResolvers<void>();
    const large = "x".repeat(1_000_000);
    const { port } = await startEdge({
      async *subscribe(_request, { signal }) {
        // From the signal: a generator blocked in a write never runs its `finally`.
        signal.addEventListener("abort", () => released.resolve());
        for (;;) yield topic(large);
      },
    });
    const session = http2.connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 65_535 } });
    session.on("error", () => undefined);
    const stream = session.request({
      ":method": "POST",
      ":path": "/worldservice.v1.ControlBusService/Subscribe",
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.on("error", () => undefined);
    stream.pause();
    stream.end(Buffer.alloc(5));
    await new Promise((resolve) => stream.once("response", resolve));
    await sleep(50); // the server's write is blocked by now
    session.destroy();
    await released.promise;
  });

  it("refuses to listen twice on one port with the reason of the system", async () => {
    const { port } = await startEdge();
    const second = await startEdge();
    const error = await second.edge.listen("127.0.0.1", port).then(
      () => undefined,
      (reason: NodeJS.ErrnoException) => reason.code,
    );
    expect(error).to.be.oneOf(["EADDRINUSE", "ERR_SERVER_ALREADY_LISTEN"]);
    expect((await rawExchange(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 2000)).text).to.match(
      /^HTTP\/1\.1 404 /,
    );
    expect(await collect(clients(second.url, "gRPC").bus.subscribe({}))).to.have.length(1);
  });
});
