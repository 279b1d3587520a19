import { Code, createClient } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { expect } from "chai";
import { service as healthDefinition } from "grpc-health-check";
import { RebalanceService } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "#thirdparty/health/v1/health_pb.ts";
import { failureOf, seen, startEdge, stopEdges, TRANSPORT_NAMES, transports, until } from "./support.ts";

const REBALANCE = RebalanceService.typeName;

function healthClient(url: string, name: string) {
  const transport = transports(url).get(name);
  if (transport === undefined) throw new Error(`no transport ${name}`);
  return createClient(Health, transport);
}

describe("health", () => {
  afterEach(stopEdges);

  for (const name of TRANSPORT_NAMES) {
    it(`is told for the server, each service and all of them (${name})`, async () => {
      const { url, health } = await startEdge();
      const client = healthClient(url, name);
      expect((await client.check({})).status).to.equal(Status.SERVING);
      health.setServing(REBALANCE, false);
      expect((await client.check({ service: REBALANCE })).status).to.equal(Status.NOT_SERVING);
      expect(await failureOf(client.check({ service: "no.Such" }))).to.include({
        code: Code.NotFound,
        reason: "UNIMPLEMENTED",
      });
      const { statuses } = await client.list({});
      expect(Object.entries(statuses).map(([service, { status }]) => [service, status])).to.have.deep.members(
        [
          ["", Status.SERVING],
          [REBALANCE, Status.NOT_SERVING],
        ],
      );
    });
  }

  it("is watched: the state at once, then every change, also of a service unknown before", async () => {
    const { url, health } = await startEdge();
    const client = healthClient(url, "gRPC");
    const caller = new AbortController();
    const known: Status[] = [];
    const unknown: Status[] = [];
    const follow = async (service: string, into: Status[]) => {
      for await (const { status } of client.watch({ service }, { signal: caller.signal })) into.push(status);
    };
    const watches = [follow(REBALANCE, known), follow("new.Service", unknown)].map((w) => w.catch(seen));
    await until(() => known.length === 1 && unknown.length === 1);
    health.setServing(REBALANCE, true); // no change, no message
    health.setServing(REBALANCE, false);
    health.setServing("new.Service", true);
    await until(() => known.length === 2 && unknown.length === 2);
    caller.abort();
    await Promise.all(watches);
    expect(known).to.deep.equal([Status.SERVING, Status.NOT_SERVING]);
    expect(unknown).to.deep.equal([Status.SERVICE_UNKNOWN, Status.SERVING]);
  });

  it("turns to NOT_SERVING when draining, for good, and ends watches with DRAINING at the end", async () => {
    const { url, health, edge } = await startEdge();
    const client = healthClient(url, "gRPC");
    const statuses: Status[] = [];
    const watch = (async () => {
      for await (const { status } of client.watch({})) statuses.push(status);
    })();
    await until(() => statuses.length === 1);
    health.drain();
    health.setServing("", true);
    await until(() => statuses.length === 2);
    expect((await client.check({})).status).to.equal(Status.NOT_SERVING);
    const failure = failureOf(watch);
    await edge.close(1000);
    expect(await failure).to.include({ code: Code.Unavailable, reason: "DRAINING" });
    expect(statuses).to.deep.equal([Status.SERVING, Status.NOT_SERVING]);
  });

  it("answers the client that grpc-js users have", async () => {
    const { port } = await startEdge();
    const HealthClient = grpc.makeGenericClientConstructor(healthDefinition, "Health");
    const client = new HealthClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    const check = client.check;
    if (check === undefined) throw new Error("the definition has no check");
    const answer = await new Promise((resolve, reject) => {
      check.call(client, { service: REBALANCE }, (error: Error | null, value: unknown) =>
        error ? reject(error) : resolve(value),
      );
    });
    client.close();
    expect(answer).to.deep.equal({ status: "SERVING" });
  });
});
