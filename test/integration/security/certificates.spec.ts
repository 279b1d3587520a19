import { Code, type ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { expect } from "chai";
import { ActivationService } from "#gen/worldservice/v1/activation_service_pb.ts";
import { AuditService } from "#gen/worldservice/v1/audit_service_pb.ts";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { ControlBusService } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { connectNode } from "../../../src/client/node.ts";
import { reasonOf } from "../../../src/rpc/errors.ts";
import { readSettings } from "../../../src/settings/read-settings.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { failureOf, seen, until } from "../edge/support.ts";
import { grant, OWN, tokenOf } from "./support.ts";
import { type CertificateFolder, certificateFolder, type MadeCertificate } from "./support-certificates.ts";

const URI = "spiffe://desk.example/gateway";
const CERTIFICATES = [{ name: "gateway", san_uri: URI, roles: [{ role: "operator", worlds: [OWN] }] }];
const TOKENS = [grant("by-token", [{ role: "reader", worlds: ["*"] }])];
const UNAUTHENTICATED = { code: Code.Unauthenticated, reason: "UNAUTHENTICATED" };

interface Tls {
  readonly ca: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

const TRANSPORTS: Readonly<Record<string, (baseUrl: string, nodeOptions: Tls) => Transport>> = {
  gRPC: (baseUrl, nodeOptions) => createGrpcTransport({ baseUrl, nodeOptions }),
  "gRPC-Web": (baseUrl, nodeOptions) => createGrpcWebTransport({ baseUrl, nodeOptions, httpVersion: "1.1" }),
  Connect: (baseUrl, nodeOptions) => createConnectTransport({ baseUrl, nodeOptions, httpVersion: "1.1" }),
  "Connect over HTTP/2": (baseUrl, nodeOptions) =>
    createConnectTransport({ baseUrl, nodeOptions, httpVersion: "2" }),
};

describe("client certificates", () => {
  let folder: CertificateFolder;
  let own: MadeCertificate;
  let authority: MadeCertificate;
  let gateway: MadeCertificate;
  let server: TestServer;

  before(() => {
    folder = certificateFolder();
    own = folder.make("server");
    authority = folder.make("authority");
    gateway = folder.issue("gateway", authority, `URI:${URI},DNS:gateway.example`);
  });
  after(() => folder.remove());

  const flags = (certificates: readonly object[] = CERTIFICATES) => ({
    tls_cert: own.cert,
    tls_key: own.key,
    tls_client_ca: authority.cert,
    auth_certificates: certificates.length === 0 ? "none" : JSON.stringify(certificates),
    auth_tokens: JSON.stringify(TOKENS),
  });
  beforeEach(async () => {
    server = await startServer(flags());
  });
  afterEach(() => server.stop());

  const baseUrl = () => `https://localhost:${server.port}`;
  const showing = (shown: Partial<MadeCertificate> = gateway): Tls => ({
    ca: folder.read(own.cert),
    ...(shown.cert && { cert: folder.read(shown.cert) }),
    ...(shown.key && { key: folder.read(shown.key) }),
  });
  const transport = (name = "gRPC", shown: Partial<MadeCertificate> = gateway) =>
    TRANSPORTS[name]?.(baseUrl(), showing(shown)) ?? expect.fail(name);
  const capabilities = (over: Transport, headers: Record<string, string> = {}) =>
    createClient(CapabilityService, over).getCapabilities({}, { headers });
  const freeze = (over: Transport, worldId: string) =>
    createClient(ActivationService, over).freezeWorld({ worldId, runId: "f", reason: "test" });
  /** The settings with these certificates, as a server reads them again. */
  const changed = (certificates: readonly object[]) => {
    const argv = Object.entries(flags(certificates)).map(
      ([key, value]) => `--${key.replaceAll("_", "-")}=${value}`,
    );
    return readSettings({ argv, env: {} });
  };

  for (const name of Object.keys(TRANSPORTS)) {
    it(`give their principal its roles for its worlds, and no others (${name})`, async () => {
      const over = transport(name);
      await freeze(over, OWN);
      const { reason } = await failureOf(freeze(over, "foreign"));
      expect(reason).to.equal("PERMISSION_DENIED");
    });
  }

  it("put the principal's name into the audit log", async () => {
    await freeze(transport(), OWN);
    const { entries } = await createClient(AuditService, transport()).listAuditEntries({ worldId: OWN });
    expect(JSON.stringify(entries.map(({ details }) => details))).to.contain('"gateway"');
  });

  it("count only without a token: a right one says who calls, a wrong one ends the call", async () => {
    const over = transport();
    const bearer = { authorization: `Bearer ${tokenOf("by-token")}` };
    await capabilities(over, bearer);
    const denied = createClient(ActivationService, over).freezeWorld(
      { worldId: OWN, runId: "f", reason: "test" },
      { headers: bearer },
    );
    expect((await failureOf(denied)).reason).to.equal("PERMISSION_DENIED");
    expect(await failureOf(capabilities(over, { authorization: "Bearer wrong" }))).to.include(
      UNAUTHENTICATED,
    );
  });

  it("are no identity where nobody listed their one URI", async () => {
    const names: Record<string, string> = {
      other: "URI:spiffe://desk.example/other",
      capital: "URI:spiffe://desk.example/Gateway",
      escaped: "URI:spiffe://desk.example/%67ateway",
      slash: `URI:${URI}/`,
      two: `URI:${URI},URI:spiffe://desk.example/other`,
      none: "DNS:gateway.example",
      named: "DNS:spiffe.desk.example",
      unnamed: "",
    };
    for (const [name, alternatives] of Object.entries(names)) {
      const shown = folder.issue(name, authority, alternatives);
      expect(await failureOf(capabilities(transport("gRPC", shown))), name).to.include(UNAUTHENTICATED);
    }
  });

  it("end the handshake where they are missing, expired or of another authority", async () => {
    const stranger = folder.make("stranger");
    const wrong: Record<string, Partial<MadeCertificate>> = {
      missing: {},
      expired: folder.issue("expired", authority, `URI:${URI}`, -1),
      "self-signed": stranger,
      "of another authority": folder.issue("foreign", stranger, `URI:${URI}`),
    };
    for (const [what, shown] of Object.entries(wrong)) {
      const error = await capabilities(transport("gRPC", shown)).then(
        () => expect.fail(`${what}: was answered`),
        (refused: ConnectError) => refused,
      );
      // However a client puts it: no call came as far as the service, which always gives a reason.
      expect(reasonOf(error), what).to.equal(undefined);
    }
  });

  it("stop counting at once when they are taken out, on connections and subscriptions that are open", async () => {
    const sessions = new Http2SessionManager(baseUrl(), undefined, showing());
    const over = createGrpcTransport({ baseUrl: baseUrl(), sessionManager: sessions });
    await freeze(over, OWN); // a world that nobody ever wrote to cannot be followed
    const opened = Promise.withResolvers<void>();
    const ended = (async () => {
      try {
        const stream = createClient(ControlBusService, over).subscribe({ worldIds: [OWN] });
        for await (const _ of stream) opened.resolve();
      } catch (error) {
        opened.resolve();
        return seen(error);
      }
      return "ended without a reason";
    })();
    await opened.promise;
    server.server.replaceCredentials(changed([]));
    expect(await ended).to.include(UNAUTHENTICATED);
    expect(await failureOf(capabilities(over))).to.include(UNAUTHENTICATED);
    server.server.replaceCredentials(changed(CERTIFICATES));
    await capabilities(over);
    await until(() => server.server.feed.activeSubscriptions() === 0);
    sessions.abort();
  });

  it("are shown by the client of Node.js programs", async () => {
    const { clients, close } = connectNode(baseUrl(), {
      ca: folder.read(own.cert),
      cert: folder.read(gateway.cert),
      key: folder.read(gateway.key),
    });
    expect(
      (await clients.activations.freezeWorld({ worldId: OWN, runId: "f", reason: "test" })).changed,
    ).to.equal(true);
    close();
  });
});
