import { expect } from "chai";
import { DomainError } from "../../../src/domain/errors.ts";
import {
  clients,
  collect,
  failureOf,
  PLAN_PATH,
  startEdge,
  stopEdges,
  topic,
  until,
  validRequest,
} from "./support.ts";

const callLines = (lines: Record<string, unknown>[]) => lines.filter((line) => line.msg === "call");

describe("request log", () => {
  afterEach(stopEdges);

  it("has one line per call and stream, with id, RPC, code and duration", async () => {
    const { url, lines } = await startEdge();
    const { rebalance, bus } = clients(url, "gRPC");
    let answered: string | null = null;
    await rebalance.planRebalance(validRequest, {
      headers: { "x-request-id": "order-42.a" },
      onHeader: (headers) => {
        answered = headers.get("x-request-id");
      },
    });
    await collect(bus.subscribe({}));
    const [call, stream, ...others] = callLines(lines);
    expect(others).to.deep.equal([]);
    expect(call).to.include({ requestId: "order-42.a", rpc: PLAN_PATH.slice(1), code: "ok", level: 30 });
    expect(stream).to.include({ rpc: "worldservice.v1.ControlBusService/Subscribe", code: "ok", level: 30 });
    expect(stream?.requestId).to.match(/^[0-9a-f-]{36}$/);
    expect(call?.durationMs).to.be.a("number");
    expect(answered).to.equal("order-42.a");
  });

  it("takes no request id that could harm a log: it makes its own", async () => {
    const { url, lines } = await startEdge();
    for (const id of ["", "a b", "ü", "x".repeat(129), '{"a":1}', "a\tb"]) {
      await clients(url, "gRPC").rebalance.planRebalance(validRequest, { headers: { "x-request-id": id } });
    }
    const ids = callLines(lines).map((line) => line.requestId);
    expect(ids).to.have.length(6);
    for (const id of ids) expect(id).to.match(/^[0-9a-f-]{36}$/);
  });

  it("names code and reason of a failed call, streams included", async () => {
    const { url, lines } = await startEdge({
      plan: () => Promise.reject(new DomainError("WORLD_FROZEN", "frozen")),
      async *subscribe() {
        yield topic("one");
        throw new Error("boom");
      },
    });
    const { rebalance, bus } = clients(url, "Connect binary over HTTP/1.1");
    await failureOf(rebalance.planRebalance(validRequest));
    await failureOf(collect(bus.subscribe({})));
    const [call, stream] = callLines(lines);
    expect(call).to.include({ code: "failed_precondition", reason: "WORLD_FROZEN", level: 30 });
    expect(stream).to.include({ code: "internal", reason: "INTERNAL", level: 50 });
    const cause = lines.find((line) => line.errorId !== undefined);
    expect(cause?.requestId).to.equal(stream?.requestId);
  });

  it("has a line for calls that no handler saw", async () => {
    const { url, lines } = await startEdge({}, { limits: { maxMessageBytes: 100 } });
    await failureOf(
      clients(url, "gRPC").rebalance.planRebalance({
        rebalance: { positions: [{ worldId: "x".repeat(200) }] },
      }),
    );
    expect(callLines(lines)).to.have.length(1);
    expect(callLines(lines)[0]).to.include({ code: "resource_exhausted", reason: "MESSAGE_TOO_LARGE" });
  });

  it("has a line for a stream whose reader went away", async () => {
    const { url, lines } = await startEdge({
      async *subscribe(_request, { signal }) {
        yield topic("one");
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        signal.throwIfAborted();
      },
    });
    const caller = new AbortController();
    const reading = (async () => {
      for await (const _message of clients(url, "gRPC").bus.subscribe({}, { signal: caller.signal }))
        caller.abort();
    })();
    await failureOf(reading);
    await until(() => callLines(lines).length > 0);
    expect(callLines(lines)[0]).to.include({ code: "canceled", reason: "CANCELED", level: 30 });
    expect(lines.filter((line) => line.level === 50)).to.deep.equal([]);
  });

  it("never holds tokens, and escapes what a terminal would obey", async () => {
    const nasty = 'w1\n{"level":50}\u001b[2J\u009b31m\u2028\u202e';
    const { url, lines, rawLines } = await startEdge({
      plan: () => Promise.reject(new DomainError("WORLD_NOT_FOUND", `no world ${nasty}`)),
    });
    const headers = { authorization: "Bearer s3cret-t0ken", cookie: "id=s3cret-t0ken" };
    await failureOf(
      clients(url, "Connect JSON over HTTP/2").rebalance.planRebalance(validRequest, { headers }),
    );
    const text = rawLines.join("");
    expect(text).not.to.contain("s3cret-t0ken");
    expect(text.replaceAll("\n", "")).not.to.match(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e]/u);
    expect(rawLines.every((line) => line.indexOf("\n") === line.length - 1)).to.equal(true);
    expect(callLines(lines)[0]?.detail).to.contain("\\u001b[2J\\u009b31m\\u2028\\u202e");
  });

  it("leaves health checks to the debug level", async () => {
    const { url, lines } = await startEdge();
    const body = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
    await (await fetch(`${url}/grpc.health.v1.Health/Check`, body)).text();
    expect(callLines(lines)[0]).to.include({ level: 20 });
  });
});
