import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";
import { expect } from "chai";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { createClients, negotiate } from "../../../src/client/index.ts";
import { startServer } from "../../support/server.ts";

async function negotiateWith(flags: Readonly<Record<string, boolean>>) {
  const server = await startServer(flags);
  try {
    return await negotiate(createClients(server.transport));
  } finally {
    await server.stop();
  }
}

describe("version negotiation of the client", () => {
  it("speaks v2 where the deployment answers with schema version 2", async () => {
    const spoken = await negotiateWith({ compat_rebalance_v2: true });
    expect(spoken.version).to.equal(2);
    expect(spoken.rebalance).to.have.property("planRebalance");
  });

  it("speaks v2 where schema version 1 is refused", async () => {
    const spoken = await negotiateWith({ compat_rebalance_v2: true, alpha_metrics_required: true });
    expect(spoken.version).to.equal(2);
  });

  it("speaks v1 where the gate is off, and says so", async () => {
    const spoken = await negotiateWith({ compat_rebalance_v2: false });
    expect(spoken).to.include({ version: 1, fallback: "GATE_OFF" });
    expect(spoken.capabilities?.rebalanceSchemaVersion).to.equal(1);
  });

  it("speaks v1 with a server that does not know GetCapabilities, and says so", async () => {
    const transport = createRouterTransport(() => {});
    const spoken = await negotiate(createClients(transport));
    expect(spoken).to.include({ version: 1, fallback: "NO_CAPABILITIES", capabilities: undefined });
  });

  for (const code of [Code.Unavailable, Code.Unauthenticated, Code.Internal, Code.DeadlineExceeded]) {
    it(`does not take ${Code[code]} for an old server`, async () => {
      const transport = createRouterTransport(({ service }) => {
        service(CapabilityService, {
          getCapabilities() {
            throw new ConnectError("no", code);
          },
        });
      });
      const error = await negotiate(createClients(transport)).then(
        () => expect.fail("it fell back"),
        (reason: unknown) => ConnectError.from(reason),
      );
      expect(error.code).to.equal(code);
    });
  }
});
