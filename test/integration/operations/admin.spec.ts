import { createClient } from "@connectrpc/connect";
import { expect } from "chai";
import { ActivationService } from "#gen/worldservice/v1/activation_service_pb.ts";
import { ControlBusService } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { RebalanceService } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { createReadiness } from "../../../src/observability/readiness.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { failureOf, until } from "../edge/support.ts";

describe("the admin port", () => {
  let server: TestServer;
  let base: string;

  before(async () => {
    // The port of the settings only has to be there: the test listens where it is free.
    server = await startServer({ admin_port: 1 });
    const { port } = (await server.server.admin?.listen("127.0.0.1", 0)) ?? { port: 0 };
    base = `http://127.0.0.1:${port}`;
  });
  after(() => server.stop());

  const metrics = async () => (await fetch(`${base}/metrics`)).text();

  it("counts calls by RPC and code, refused ones too", async () => {
    const rebalance = createClient(RebalanceService, server.transport);
    await rebalance.planRebalance({ rebalance: { totalEquity: 1 } });
    await failureOf(rebalance.planRebalance({ rebalance: { totalEquity: -1 } }));
    const text = await metrics();
    const rpc = 'rpc="worldservice.v1.RebalanceService/PlanRebalance"';
    expect(text).to.contain(`worldservice_calls_total{${rpc},code="ok"} 1`);
    expect(text).to.contain(`worldservice_calls_total{${rpc},code="invalid_argument"} 1`);
    expect(text).to.contain(`worldservice_call_duration_seconds_count{${rpc}} 2`);
  });

  it("tells the stages of a write, what the server is, and the subscriptions that are open", async () => {
    const rebalance = createClient(RebalanceService, server.transport);
    await rebalance.applyRebalance({
      runId: "secret-run",
      rebalance: { worldAllocAfter: { "secret-world": 0.5 } },
    });
    const stop = new AbortController();
    const bus = createClient(ControlBusService, server.transport);
    const seen: string[] = [];
    const reading = (async () => {
      for await (const _ of bus.subscribe({}, { signal: stop.signal })) seen.push(await metrics());
    })().catch(() => undefined);
    await until(() => seen.length > 0);
    expect(seen[0]).to.contain("\nworldservice_subscriptions 1\n");
    stop.abort();
    await reading;
    const text = await metrics();
    expect(text).to.contain(
      'worldservice_stage_duration_seconds_count{stage="compute_and_save",outcome="ok"} 1',
    );
    expect(text).to.match(
      /worldservice_info\{version="[^"]+",store="memory",durability="none",book="main"\} 1/,
    );
    expect(text).to.contain("worldservice_draining 0").and.to.contain("process_resident_memory_bytes");
  });

  it("shows nothing that a caller chose: no run, no world, no subscriber", async () => {
    const activation = createClient(ActivationService, server.transport);
    await activation.freezeWorld({
      worldId: "secret-world",
      runId: "secret-freeze",
      reason: "secret-reason",
    });
    await failureOf(activation.getApply({ worldId: "secret-world", runId: "secret-apply" }));
    expect(await metrics()).not.to.contain("secret");
  });

  it("answers probes, and nothing else", async () => {
    const status = (path: string, method = "GET") =>
      fetch(`${base}${path}`, { method }).then((answer) => answer.status);
    expect(await status("/healthz")).to.equal(200);
    expect(await status("/readyz")).to.equal(200);
    expect(await status("/readyz", "HEAD")).to.equal(200);
    expect(await status("/metrics", "POST")).to.equal(405);
    expect(await status("/")).to.equal(404);
    expect(await status("/worldservice.v1.WorldService/ListWorlds")).to.equal(404);
  });

  it("is not ready while the store does not answer, and is again when it does", async () => {
    let store = () => Promise.resolve({} as never);
    const readiness = createReadiness({ read: () => store() }, () => false, 20);
    expect(await readiness()).to.deep.equal({ ready: true });
    store = () => new Promise(() => undefined);
    expect(await readiness()).to.deep.equal({ ready: false, reason: "the store does not answer" });
    store = () => Promise.reject(new Error("gone"));
    expect(await readiness()).to.include({ ready: false });
    store = () => Promise.resolve({} as never);
    expect(await readiness()).to.deep.equal({ ready: true });
  });

  it("is off with admin_port 0", async () => {
    const without = await startServer();
    expect(without.server.admin).to.equal(undefined);
    await without.stop();
  });
});
