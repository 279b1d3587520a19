import { copyFileSync, writeFileSync } from "node:fs";
import { connect, type TLSSocket } from "node:tls";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { readCertificates, watchCertificates } from "../../../src/rpc/security/certificates.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { rawExchange, until } from "../edge/support.ts";
import { AUTH_TOKENS, bearer, principalName } from "./support.ts";
import { type CertificateFolder, certificateFolder, type MadeCertificate } from "./support-certificates.ts";

const READER = bearer(principalName("reader", "*"));

describe("TLS", () => {
  let folder: CertificateFolder;
  let own: MadeCertificate;
  let running: TestServer | undefined;

  before(() => {
    folder = certificateFolder();
    own = folder.make("server");
  });
  after(() => folder.remove());
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  async function start(flags: Readonly<Record<string, string>> = {}): Promise<TestServer> {
    running = await startServer({ tls_cert: own.cert, tls_key: own.key, auth_tokens: AUTH_TOKENS, ...flags });
    return running;
  }

  function capabilities(port: number, client: Partial<MadeCertificate> = {}) {
    const pem = {
      ...(client.cert && { cert: folder.read(client.cert) }),
      ...(client.key && { key: folder.read(client.key) }),
    };
    const transport = createGrpcTransport({
      baseUrl: `https://localhost:${port}`,
      nodeOptions: { ca: folder.read(own.cert), ...pem },
    });
    return createClient(CapabilityService, transport).getCapabilities({}, { headers: READER });
  }

  it("serves calls under the certificate of the settings", async () => {
    const { port } = await start();
    expect((await capabilities(port)).storeKind).not.to.equal(undefined);
  });

  it("answers nothing in cleartext on that port", async () => {
    const { port } = await start();
    const { text, closed } = await rawExchange(port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 2000);
    expect(text).not.to.contain("HTTP/");
    expect(closed).to.equal(true);
  });

  it("accepts nothing older than TLS 1.2", async () => {
    const { port } = await start();
    const refused = await new Promise<string>((resolve) => {
      const socket = connect({
        port,
        host: "127.0.0.1",
        maxVersion: "TLSv1.1",
        minVersion: "TLSv1",
        rejectUnauthorized: false,
      });
      socket.once("secureConnect", () => resolve("connected")).once("error", () => resolve("refused"));
      socket.once("close", () => socket.destroy());
    });
    expect(refused).to.equal("refused");
  });

  it("lets only callers in that show a certificate of tls_client_ca", async () => {
    const authority = folder.make("authority");
    const client = folder.sign("client", authority);
    const stranger = folder.make("stranger");
    const { port } = await start({ tls_client_ca: authority.cert });
    expect((await capabilities(port, client)).book).to.equal("main");
    for (const wrong of [{}, stranger]) {
      const outcome = await capabilities(port, wrong).then(
        () => "answered",
        () => "refused",
      );
      expect(outcome).to.equal("refused");
    }
  });

  it("does not start with files that cannot be read or do not fit together, and names them", async () => {
    const other = folder.make("other");
    for (const [flags, text] of [
      [{ tls_cert: "/nowhere/cert.pem" }, /tls_cert: \/nowhere\/cert\.pem cannot be read/],
      [{ tls_key: other.key }, /cannot be used together/],
      [{ tls_client_ca: "/nowhere/ca.pem" }, /tls_client_ca: .* cannot be read/],
    ] as const) {
      const error = await start(flags).then(
        () => undefined,
        (reason: Error) => reason,
      );
      expect(error?.message).to.match(text);
      expect(error?.name).to.equal("CertificateError");
    }
  });

  it("serves another certificate once told, and lets running connections go on", async () => {
    const { port, server } = await start();
    const before = await handshake(port);
    const next = folder.make("next");
    server.edge.useCertificate(await readCertificates(next));
    const after = await handshake(port);
    expect([before, after].map((socket) => socket.getPeerCertificate().subject.CN)).to.deep.equal([
      "server",
      "next",
    ]);
    expect(before.destroyed).to.equal(false);
    for (const socket of [before, after]) socket.destroy();
  });

  it("follows the files: a new pair is told, a broken one is not and leaves the old one", async () => {
    const [one, two] = [folder.make("one"), folder.make("two")];
    const paths = { cert: `${folder.path}/live.pem`, key: `${folder.path}/live.key` };
    const put = ({ cert, key }: MadeCertificate) => {
      copyFileSync(cert, paths.cert);
      copyFileSync(key, paths.key);
    };
    put(one);
    const told: string[] = [];
    const faults: string[] = [];
    const watch = watchCertificates({
      paths,
      current: await readCertificates(paths),
      intervalMs: 5,
      onChange: ({ cert }) => told.push(String(cert)),
      onError: ({ message }) => faults.push(message),
    });
    watch.start();
    try {
      writeFileSync(paths.cert, "half a certificate");
      await until(() => faults.length > 0);
      expect(told).to.deep.equal([]);
      put(two);
      await until(() => told.length > 0);
      expect(told.at(-1)).to.equal(folder.read(two.cert).toString());
    } finally {
      await watch.stop();
    }
  });
});

function handshake(port: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["h2"] });
    socket.once("secureConnect", () => resolve(socket)).once("error", reject);
  });
}
