import { createClient, createRouterTransport, type Interceptor } from "@connectrpc/connect";
import { expect } from "chai";
import { ActivationService, ActivationSide } from "#gen/worldservice/v1/activation_service_pb.ts";
import { mapErrors } from "../../../src/rpc/interceptors/map-errors.ts";
import { principalKey } from "../../../src/rpc/principal.ts";
import { activationServiceV1 } from "../../../src/rpc/v1/activation-service.ts";
import { useReplica, W } from "../../integration/activation/support.ts";

describe("the authenticated caller", () => {
  const open = useReplica();

  function clientAs(name: string | undefined) {
    const asPrincipal: Interceptor = (next) => (request) => {
      if (name !== undefined) request.contextValues.set(principalKey, { name });
      return next(request);
    };
    const interceptors = [mapErrors({ error() {} }), asPrincipal];
    const transport = createRouterTransport(
      (router) => {
        router.service(ActivationService, activationServiceV1(open().deps));
      },
      { router: { interceptors } },
    );
    return createClient(ActivationService, transport);
  }

  beforeEach(() => open().upsert({ strategyId: "a" }));

  it("acknowledges in its own name only", async () => {
    const gate = clientAs("gate");
    await gate.acknowledgeActivation({ worldId: W, subscriber: "gate", sequence: 1n });
    const error: unknown = await gate
      .acknowledgeActivation({ worldId: W, subscriber: "other", sequence: 1n })
      .catch((thrown: unknown) => thrown);
    expect(error)
      .to.have.property("message")
      .that.matches(/permission_denied/);
    expect([...(await open().view()).acks.keys()]).to.deep.equal(["gate"]);
  });

  it("may give any name where no authentication is configured", async () => {
    await clientAs(undefined).acknowledgeActivation({ worldId: W, subscriber: "anybody", sequence: 1n });
    expect((await open().view()).acks.get("anybody")).to.equal(1);
  });

  it("stands in the audit log with the full name of the call", async () => {
    const call = { worldId: W, strategyId: "b", side: ActivationSide.LONG };
    await clientAs("ops").upsertActivation(call);
    const lines = await open().deps.store.listAudit({ worldId: W, limit: 10 });
    const last = JSON.parse(lines.at(-1)?.body ?? "{}") as { rpc: string; details: { principal: string } };
    expect(last.rpc).to.equal("worldservice.v1.ActivationService/UpsertActivation");
    expect(JSON.stringify(last)).to.contain('"ops"');
  });
});
