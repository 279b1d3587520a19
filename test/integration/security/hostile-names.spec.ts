import { type ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { reasonOf } from "../../../src/rpc/errors.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { AUTH_CERTIFICATES, principalName, sanUri } from "./support.ts";
import { type CertificateFolder, certificateFolder, type MadeCertificate } from "./support-certificates.ts";

const OWNER = sanUri(principalName("owner", "*"));

/** Kinds of alternative names, by their tags in the certificate. */
const [EMAIL, DNS, URI] = [0x81, 0x82, 0x86];

/** Alternative names byte by byte, for what openssl's own notation would not let through. */
function raw(...names: readonly (readonly [kind: number, value: string])[]): string {
  const encode = (tag: number, bytes: Buffer) => {
    expect(bytes.length, "a length that fits into one byte").to.be.below(128);
    return Buffer.concat([Buffer.from([tag, bytes.length]), bytes]);
  };
  const all = Buffer.concat(names.map(([kind, value]) => encode(kind, Buffer.from(value, "latin1"))));
  return `DER:${encode(0x30, all)
    .toString("hex")
    .replace(/(..)(?=.)/g, "$1:")}`;
}

describe("a certificate whose names are made to be misread", () => {
  let folder: CertificateFolder;
  let own: MadeCertificate;
  let authority: MadeCertificate;
  let server: TestServer;

  before(async () => {
    folder = certificateFolder();
    [own, authority] = [folder.make("server"), folder.make("authority")];
    server = await startServer({
      tls_cert: own.cert,
      tls_key: own.key,
      tls_client_ca: authority.cert,
      auth_certificates: AUTH_CERTIFICATES,
      auth_failure_limit: "1000000/s",
    });
  });
  after(async () => {
    await server.stop();
    folder.remove();
  });

  let count = 0;
  /** `answered`, or the reason; undefined where no call came as far as the service. */
  function showing(names: string): Promise<string | undefined> {
    count += 1;
    const { cert, key } = folder.issue(`client-${count}`, authority, names);
    const transport = createGrpcTransport({
      baseUrl: `https://localhost:${server.port}`,
      nodeOptions: { ca: folder.read(own.cert), cert: folder.read(cert), key: folder.read(key) },
    });
    return createClient(CapabilityService, transport)
      .getCapabilities({})
      .then(
        () => "answered",
        (error: ConnectError) => reasonOf(error),
      );
  }

  it("is told from an honest one, written in the same bytes", async () => {
    expect(await showing(raw([URI, OWNER]))).to.equal("answered");
    expect(await showing(raw([DNS, "localhost"], [URI, OWNER]))).to.equal("answered");
  });

  for (const [what, names] of Object.entries({
    "a NUL behind the URI": [[URI, `${OWNER}\0`]],
    "a NUL and another host behind it": [[URI, `${OWNER}\0.evil.example`]],
    "a line break behind it": [[URI, `${OWNER}\n`]],
    "a space before it": [[URI, ` ${OWNER}`]],
    "quotes around it": [[URI, `"${OWNER}"`]],
    "its scheme in capitals": [[URI, OWNER.replace("spiffe", "SPIFFE")]],
    "a letter percent-encoded": [[URI, OWNER.replace("owner", "%6fwner")]],
    "a dot segment": [[URI, OWNER.replace("/owner", "/./owner")]],
    "a byte that is no ASCII": [[URI, OWNER.replace("o", "\xf3")]],
    "an empty URI before it": [
      [URI, ""],
      [URI, OWNER],
    ],
    "it twice": [
      [URI, OWNER],
      [URI, OWNER],
    ],
    "it inside of another URI": [[URI, `spiffe://x, URI:${OWNER}`]],
    "it inside of a DNS name": [[DNS, `x, URI:${OWNER}`]],
    "it inside of a DNS name, behind quotes": [[DNS, `x", URI:${OWNER}`]],
    "it inside of an e-mail address": [[EMAIL, `x, URI:${OWNER}`]],
    "it as a DNS name": [[DNS, OWNER]],
    "it as an e-mail address": [[EMAIL, OWNER]],
  } as const satisfies Record<string, readonly (readonly [number, string])[]>)) {
    it(`is nobody with ${what}`, async () => {
      expect(await showing(raw(...names))).to.equal("UNAUTHENTICATED");
    });
  }
});
