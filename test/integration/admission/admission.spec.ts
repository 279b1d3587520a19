import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { expect } from "chai";
import { ActivationService } from "#gen/worldservice/v1/activation_service_pb.ts";
import { AllocationService } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { ControlBusService } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { RebalanceService } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { RetryInfoSchema } from "#thirdparty/google/rpc/error_details_pb.ts";
import { Health } from "#thirdparty/health/v1/health_pb.ts";
import type { AdmissionLimits } from "../../../src/rpc/admission/limits.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { envelope, failureOf, rawHttp2, seen, until } from "../edge/support.ts";
import { AUTH_TOKENS, bearer, principalName } from "../security/support.ts";

const LIMITED = { code: Code.ResourceExhausted, reason: "LIMIT_EXCEEDED" };
const OWNER = bearer(principalName("owner", "*"));

/** An upsert with so many bytes that are no message; without any it is cancelled at once. Resolves with its error. */
function junkUpsert(client: Client, bytes: number): Promise<ServiceError | null> {
  const path = `/${AllocationService.typeName}/UpsertAllocations`;
  const plain = (message: Buffer) => message;
  return new Promise((resolve) => {
    const call = client.makeUnaryRequest(path, plain, plain, Buffer.alloc(bytes), resolve);
    if (bytes === 0) call.cancel();
  });
}

describe("admission", () => {
  let server: TestServer;
  /** While set, calls that write stop in their first stage. */
  let gate: PromiseWithResolvers<void> | undefined;
  let held = 0;

  afterEach(async () => {
    gate?.resolve();
    gate = undefined;
    await server.stop();
  });

  async function start(admission: Partial<AdmissionLimits>, flags: Record<string, string | number> = {}) {
    held = 0;
    server = await startServer(flags, {
      admission,
      async observeStage(stage, moment) {
        if (gate === undefined || stage !== "acquire" || moment !== "begin") return;
        held++;
        await gate.promise;
      },
    });
  }

  function upsert(runId: string, worldId = runId, headers = {}): Promise<unknown> {
    const request = { runId, totalEquity: 1, worldAllocations: { [worldId]: 0.001 } };
    return createClient(AllocationService, server.transport).upsertAllocations(request, { headers });
  }

  const freeze = (worldId: string) =>
    createClient(ActivationService, server.transport).freezeWorld({ worldId, runId: "f", reason: "test" });

  it("works on so many changes at once; the others wait their turn and all are done", async () => {
    await start({ running: 3 });
    gate = Promise.withResolvers();
    const calls = Array.from({ length: 20 }, (_, at) => upsert(`r${at}`));
    await until(() => held === 3);
    gate.resolve();
    await Promise.all(calls);
    expect(held).to.equal(20);
  });

  it("refuses changes beyond what may wait, before their body has arrived, and says when to come again", async () => {
    await start({ mutations: 4 });
    gate = Promise.withResolvers();
    const calls = Array.from({ length: 4 }, (_, at) => upsert(`r${at}`));
    await until(() => held === 4);
    const error = await upsert("late").then(
      () => expect.fail("was let in"),
      (reason) => ConnectError.from(reason),
    );
    expect(seen(error)).to.include(LIMITED);
    expect(error.findDetails(RetryInfoSchema)[0]?.retryDelay).not.to.equal(undefined);
    const unsent = await rawHttp2(
      server.port,
      {
        ":path": `/${AllocationService.typeName}/UpsertAllocations`,
        "content-type": "application/grpc",
        te: "trailers",
      },
      envelope(Buffer.alloc(1), 0, 1_000_000),
    );
    expect(unsent.headers["grpc-status"] ?? unsent.trailers["grpc-status"]).to.equal(
      String(Code.ResourceExhausted),
    );
    gate.resolve();
    await Promise.all(calls);
    await upsert("afterwards");
  });

  it("refuses by the headers alone over gRPC, to any client, and the connection goes on", async () => {
    await start({ mutations: 0 });
    const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
    // What is refused has not been decoded: none of these is a message.
    const refusals = await Promise.all([1, 10_000, 5_000_000].map((bytes) => junkUpsert(client, bytes)));
    for (const error of refusals) {
      expect(error?.code).to.equal(Code.ResourceExhausted);
      expect(error?.metadata.get("grpc-status-details-bin")).to.have.length(1);
    }
    client.close();
    expect(await failureOf(upsert("r"))).to.include(LIMITED);
    await createClient(CapabilityService, server.transport).getCapabilities({});
  });

  it("refuses a crowd at its own pace, all of it, with bodies of any size", async () => {
    await start({ mutations: 0 });
    const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
    const sizes = Array.from({ length: 400 }, (_, at) => [1, 0, 100, 300_000][at % 4] ?? 1);
    const codes = (await Promise.all(sizes.map((bytes) => junkUpsert(client, bytes)))).map(
      (error) => error?.code,
    );
    expect(codes.filter((code) => code === status.RESOURCE_EXHAUSTED)).to.have.length(300);
    expect(codes.filter((code) => code === status.CANCELLED)).to.have.length(100);
    client.close();
  });

  it("lets freezes, acknowledgements, health and reads pass while changes are refused", async () => {
    await start({ mutations: 2 });
    gate = Promise.withResolvers();
    const calls = [upsert("a"), upsert("b")];
    await until(() => held === 2);
    expect(await failureOf(upsert("c"))).to.include(LIMITED);
    await freeze("other");
    // It came as far as the world, which has issued nothing that could be acknowledged.
    const acknowledge = { worldId: "other", subscriber: "s", sequence: 1n, runId: "f" };
    const answer = createClient(ActivationService, server.transport).acknowledgeActivation(acknowledge);
    expect(await failureOf(answer)).to.include({ reason: "INVALID_FIELD" });
    await createClient(Health, server.transport).check({});
    await createClient(CapabilityService, server.transport).getCapabilities({});
    gate.resolve();
    await Promise.all(calls);
  });

  it("keeps one busy world from taking the places of the others", async () => {
    await start({ runningPerWorld: 2, waitingPerWorld: 3 });
    gate = Promise.withResolvers();
    const refused: unknown[] = [];
    const busy = Array.from({ length: 7 }, (_, at) =>
      upsert(`b${at}`, "busy").catch((error: unknown) => refused.push(seen(error))),
    );
    await until(() => refused.length === 2);
    for (const error of refused) expect(error).to.include(LIMITED);
    expect(held).to.equal(2);
    const other = upsert("o", "other");
    await until(() => held === 3);
    gate.resolve();
    await Promise.all([...busy, other]);
    expect(refused).to.have.length(2);
  });

  it("gives the place of a caller back who went away while waiting", async () => {
    await start({ running: 1, mutations: 2 });
    gate = Promise.withResolvers();
    const first = upsert("a");
    await until(() => held === 1);
    const away = new AbortController();
    const waiting = createClient(AllocationService, server.transport)
      .upsertAllocations(
        { runId: "b", totalEquity: 1, worldAllocations: { b: 0.1 } },
        { signal: away.signal },
      )
      .catch((error: unknown) => ConnectError.from(error).code);
    away.abort();
    expect(await waiting).to.equal(Code.Canceled);
    gate.resolve();
    await first;
    await Promise.all([upsert("c"), upsert("d")]);
  });

  it("takes no new work while the event loop lags and much is under way, freezes and probes excepted", async () => {
    await start({ lagCalls: 0, lagMs: -1 });
    const plan = createClient(RebalanceService, server.transport).planRebalance({
      rebalance: { totalEquity: 1 },
    });
    expect(await failureOf(plan)).to.include(LIMITED);
    await freeze("w");
    await createClient(Health, server.transport).check({});
  });

  it("lets a principal make as many calls per second as the settings say, each principal its own", async () => {
    await start({}, { auth_tokens: AUTH_TOKENS, rate_limit: "5/s" });
    const capabilities = (headers: Record<string, string>) =>
      createClient(CapabilityService, server.transport)
        .getCapabilities({}, { headers })
        .then(
          () => "answered",
          (error: unknown) => seen(error).reason,
        );
    const outcomes = await Promise.all(Array.from({ length: 30 }, () => capabilities(OWNER)));
    expect(outcomes.filter((outcome) => outcome === "answered")).to.have.length.within(5, 20);
    expect(new Set(outcomes)).to.deep.equal(new Set(["answered", "LIMIT_EXCEEDED"]));
    expect(await capabilities(bearer(principalName("reader", "*")))).to.equal("answered");
  });

  it("holds no rate against callers on loopback without tokens", async () => {
    await start({}, { rate_limit: "1/s" });
    const client = createClient(CapabilityService, server.transport);
    await Promise.all(Array.from({ length: 30 }, () => client.getCapabilities({})));
  });

  it("bounds the streams that anybody may open, and takes another when one ends", async () => {
    await start({ publicStreams: 2 }, { auth_tokens: AUTH_TOKENS });
    const health = createClient(Health, server.transport);
    const open = async () => {
      const stop = new AbortController();
      await health.watch({}, { signal: stop.signal })[Symbol.asyncIterator]().next();
      return stop;
    };
    const [one, two] = [await open(), await open()];
    expect(await failureOf(open())).to.include(LIMITED);
    await health.check({});
    one.abort();
    let three: AbortController | undefined;
    // The server hears of the end a little later.
    while (three === undefined) three = await open().catch(() => undefined);
    for (const stop of [two, three]) stop?.abort();
  });

  it("lets a principal have as many subscriptions as the settings say, and a new one when one ends", async () => {
    await start({}, { auth_tokens: AUTH_TOKENS, subscription_limit: 2 });
    const bus = createClient(ControlBusService, server.transport);
    const open = async (headers: Record<string, string>) => {
      const stop = new AbortController();
      const stream = bus.subscribe({}, { headers, signal: stop.signal })[Symbol.asyncIterator]();
      await stream.next();
      return stop;
    };
    const [one, two] = [await open(OWNER), await open(OWNER)];
    expect(await failureOf(open(OWNER))).to.include(LIMITED);
    const another = await open(bearer(principalName("reader", "*")));
    one.abort();
    await until(() => server.server.feed.activeSubscriptions() === 2);
    const three = await open(OWNER);
    for (const stop of [two, three, another]) stop.abort();
  });
});
