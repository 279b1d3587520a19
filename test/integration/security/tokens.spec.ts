import { Code, createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { expect } from "chai";
import { ActivationService } from "#gen/worldservice/v1/activation_service_pb.ts";
import { AuditService } from "#gen/worldservice/v1/audit_service_pb.ts";
import { ControlBusService } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { WorldService } from "#gen/worldservice/v1/world_service_pb.ts";
import { readSettings } from "../../../src/settings/read-settings.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { envelope, failureOf, rawHttp2, seen, until } from "../edge/support.ts";
import { AUTH_TOKENS, bearer, FOREIGN, grant, OWN, principalName } from "./support.ts";

const OWNER = principalName("owner", "*");
const READER = principalName("reader", OWN);

const TRANSPORTS = {
  gRPC: (baseUrl: string) => createGrpcTransport({ baseUrl }),
  "gRPC-Web": (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  Connect: (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "1.1" }),
};

/** The settings with these tokens, as the settings factory reads them. */
function tokens(value: string) {
  return readSettings({ argv: [`--auth-tokens=${value}`], env: {} });
}

describe("tokens", () => {
  let server: TestServer;

  beforeEach(async () => {
    server = await startServer({ auth_tokens: AUTH_TOKENS });
    const worlds = createClient(WorldService, server.transport);
    for (const worldId of [OWN, FOREIGN]) {
      await worlds.createWorld({ world: { worldId } }, { headers: bearer(OWNER) });
    }
  });
  afterEach(() => server.stop());

  /** Reads a subscription of the world until it ends; `opened` resolves with its first message. */
  function subscribe(name: keyof typeof TRANSPORTS, token: string) {
    const opened = Promise.withResolvers<void>();
    const bus = createClient(ControlBusService, TRANSPORTS[name](server.baseUrl));
    const ended = (async () => {
      try {
        for await (const _ of bus.subscribe({ worldIds: [OWN] }, { headers: bearer(token) }))
          opened.resolve();
      } catch (error) {
        opened.resolve();
        return seen(error);
      }
      return "ended without a reason";
    })();
    return { opened: opened.promise, ended };
  }

  for (const name of ["gRPC", "gRPC-Web", "Connect"] as const) {
    it(`end a running subscription when they no longer count (${name})`, async () => {
      const { opened, ended } = subscribe(name, READER);
      await opened;
      server.server.replaceCredentials(
        tokens(JSON.stringify([grant(OWNER, [{ role: "owner", worlds: ["*"] }])])),
      );
      expect(await ended).to.include({ code: Code.Unauthenticated, reason: "UNAUTHENTICATED" });
      await until(() => server.server.feed.activeSubscriptions() === 0);
    });

    it(`end a running subscription when they lose its world, and no other (${name})`, async () => {
      const [loses, keeps] = [subscribe(name, READER), subscribe(name, OWNER)];
      await Promise.all([loses.opened, keeps.opened]);
      const left = [
        grant(READER, [{ role: "reader", worlds: [FOREIGN] }]),
        grant(OWNER, [{ role: "owner", worlds: ["*"] }]),
      ];
      server.server.replaceCredentials(tokens(JSON.stringify(left)));
      expect(await loses.ended).to.include({ code: Code.PermissionDenied, reason: "PERMISSION_DENIED" });
      expect(server.server.feed.activeSubscriptions()).to.equal(1);
      await server.stop();
      expect(await keeps.ended).to.include({ code: Code.Unavailable, reason: "DRAINING" });
    });
  }

  it("let the greater role do what the lesser may", async () => {
    const { message } = await failureOf(
      createClient(ActivationService, server.transport).freezeWorld(
        { worldId: OWN, runId: "f", reason: "test" },
        { headers: bearer(READER) },
      ),
    );
    expect(message).to.contain("operator");
    await createClient(ActivationService, server.transport).freezeWorld(
      { worldId: OWN, runId: "f", reason: "test" },
      { headers: bearer(OWNER) },
    );
  });

  it("name the principal in the audit log", async () => {
    const freeze = { worldId: OWN, runId: "f", reason: "test" };
    await createClient(ActivationService, server.transport).freezeWorld(freeze, {
      headers: bearer(principalName("operator", OWN)),
    });
    const audit = createClient(AuditService, server.transport);
    const { entries } = await audit.listAuditEntries({ worldId: OWN }, { headers: bearer(READER) });
    expect(JSON.stringify(entries.map(({ details }) => details))).to.contain(principalName("operator", OWN));
  });

  it("must be the caller's own name where it acknowledges", async () => {
    const acknowledge = (subscriber: string) =>
      createClient(ActivationService, server.transport).acknowledgeActivation(
        { worldId: OWN, subscriber, sequence: 1n, runId: "r" },
        { headers: bearer(principalName("operator", OWN)) },
      );
    expect(await failureOf(acknowledge("somebody-else"))).to.include({ code: Code.PermissionDenied });
  });

  it("are asked for before the body of a call has arrived", async () => {
    const headers = {
      ":path": `/${WorldService.typeName}/GetWorld`,
      "content-type": "application/grpc",
      te: "trailers",
    };
    // Announces a megabyte and never sends it: only a server that does not wait for it answers.
    const answer = await rawHttp2(server.port, headers, envelope(Buffer.alloc(1), 0, 1_000_000));
    const status = answer.headers["grpc-status"] ?? answer.trailers["grpc-status"];
    expect(status).to.equal(String(Code.Unauthenticated));
  });

  it("are not needed by anybody where none are configured", async () => {
    const open = await startServer();
    try {
      const worlds = createClient(WorldService, open.transport);
      await worlds.createWorld({ world: { worldId: OWN } });
      await worlds.getWorld({ worldId: OWN }, { headers: { authorization: "Bearer whatever" } });
    } finally {
      await open.stop();
    }
  });
});
