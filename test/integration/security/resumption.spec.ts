import { connect, type TLSSocket } from "node:tls";
import { expect } from "chai";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { readCertificates } from "../../../src/rpc/security/certificates.ts";
import { readSettings } from "../../../src/settings/read-settings.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { AUTH_CERTIFICATES, AUTH_TOKENS, principalName, sanUri } from "./support.ts";
import { type CertificateFolder, certificateFolder, type MadeCertificate } from "./support-certificates.ts";

const REQUEST = [
  `POST /${CapabilityService.typeName}/GetCapabilities HTTP/1.1`,
  "Host: localhost",
  "Content-Type: application/json",
  "Content-Length: 2",
  "Connection: close",
  "",
  "{}",
].join("\r\n");

interface Visit {
  /** HTTP status; undefined where the connection did not come that far. */
  readonly status: string | undefined;
  readonly resumed: boolean;
  readonly session: Buffer | undefined;
}

describe("a TLS session that is resumed", () => {
  let folder: CertificateFolder;
  let own: MadeCertificate;
  let authority: MadeCertificate;
  let client: MadeCertificate;
  let server: TestServer;

  before(() => {
    folder = certificateFolder();
    [own, authority] = [folder.make("server"), folder.make("authority")];
    client = folder.issue("client", authority, `URI:${sanUri(principalName("reader", "*"))}`);
  });
  after(() => folder.remove());
  beforeEach(async () => {
    server = await startServer({
      tls_cert: own.cert,
      tls_key: own.key,
      tls_client_ca: authority.cert,
      auth_certificates: AUTH_CERTIFICATES,
    });
  });
  afterEach(() => server.stop());

  /** One call on a connection of its own, begun from an earlier session where there is one. */
  function visit(version: "TLSv1.2" | "TLSv1.3", earlier?: Buffer): Promise<Visit> {
    return new Promise((resolve) => {
      let session: Buffer | undefined;
      let text = "";
      const socket: TLSSocket = connect({
        port: server.port,
        host: "127.0.0.1",
        servername: "localhost",
        ca: folder.read(own.cert),
        cert: folder.read(client.cert),
        key: folder.read(client.key),
        ALPNProtocols: ["http/1.1"],
        minVersion: version,
        maxVersion: version,
        ...(earlier && { session: earlier }),
      });
      let resumed = false;
      socket.on("session", (ticket: Buffer) => {
        session = ticket;
      });
      socket.on("secureConnect", () => {
        resumed = socket.isSessionReused();
        socket.write(REQUEST);
      });
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.on("error", () => undefined); // a refusal: seen by the missing answer
      socket.on("close", () => resolve({ status: /^HTTP\/1\.1 (\d+)/.exec(text)?.[1], resumed, session }));
    });
  }

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    it(`speaks for the same caller (${version})`, async () => {
      const first = await visit(version);
      expect(first).to.include({ status: "200", resumed: false });
      expect(await visit(version, first.session)).to.include({ status: "200", resumed: true });
    });

    it(`does not outlive the caller's place in the settings (${version})`, async () => {
      const { session } = await visit(version);
      server.server.replaceCredentials(readSettings({ argv: [`--auth-tokens=${AUTH_TOKENS}`], env: {} }));
      expect(await visit(version, session)).to.include({ status: "401", resumed: true });
    });

    it(`does not outlive the trust in the authority behind it (${version})`, async () => {
      const { session } = await visit(version);
      const other = folder.make("other-authority");
      server.server.edge.useCertificate(await readCertificates({ ...own, clientCa: other.cert }));
      expect(await visit(version, session)).to.include({ status: undefined, resumed: false });
    });
  }
});
