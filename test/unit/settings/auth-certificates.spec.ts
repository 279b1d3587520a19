import { expect } from "chai";
import { effectiveSettings } from "../../../src/settings/describe.ts";
import { problems, read } from "./support.ts";

const URI = "spiffe://desk.example/gateway";
const entry = (fields: object = {}) => ({
  name: "gateway",
  san_uri: URI,
  roles: [{ role: "operator", worlds: ["alpha"] }],
  ...fields,
});
const flags = (certificates: unknown) => [
  "--tls-cert=a.pem",
  "--tls-key=a.key",
  "--tls-client-ca=ca.pem",
  `--auth-certificates=${JSON.stringify(certificates)}`,
];

describe("auth_certificates", () => {
  it("name principals by the URI of their certificate, and are shown as they are", () => {
    const settings = read({ argv: flags([entry()]) });
    expect(settings.authCertificates).to.deep.equal([
      { name: "gateway", sanUri: URI, roles: [{ role: "operator", worlds: ["alpha"] }] },
    ]);
    const shown = effectiveSettings(settings).find(({ key }) => key === "auth_certificates");
    expect(shown?.value).to.deep.equal([entry()]);
  });

  it("may name a principal that has a token too", () => {
    const token = { name: "gateway", token_sha256: "a".repeat(64), roles: entry().roles };
    const settings = read({ argv: [...flags([entry()]), `--auth-tokens=${JSON.stringify([token])}`] });
    expect([settings.authTokens, settings.authCertificates].map((list) => list[0]?.name)).to.deep.equal([
      "gateway",
      "gateway",
    ]);
  });

  for (const [what, certificates, at] of [
    ["no URI", [entry({ san_uri: undefined })], "[0].san_uri"],
    ["a bare name", [entry({ san_uri: "gateway" })], "[0].san_uri"],
    ["a scheme in capitals", [entry({ san_uri: "SPIFFE://a/b" })], "[0].san_uri"],
    ["a comma in it", [entry({ san_uri: "spiffe://a/b,c" })], "[0].san_uri"],
    ["a quote in it", [entry({ san_uri: 'spiffe://a/"b' })], "[0].san_uri"],
    ["a NUL in it", [entry({ san_uri: "spiffe://a/b\u0000" })], "[0].san_uri"],
    ["a space in it", [entry({ san_uri: "spiffe://a/b c" })], "[0].san_uri"],
    ["a token in its place", [entry({ token_sha256: "a".repeat(64) })], "[0].token_sha256"],
    ["the same URI twice", [entry(), entry({ name: "other" })], "[1].san_uri"],
    ["the same name twice", [entry(), entry({ san_uri: `${URI}2` })], "[1].name"],
  ] as const) {
    it(`refuse ${what}`, () => {
      expect(problems({ argv: flags(certificates) }).map(({ name }) => name)).to.deep.equal([
        `auth_certificates${at}`,
      ]);
    });
  }

  it("need tls_client_ca, and protect a public address as tokens do", () => {
    const [, , ca, certificates] = flags([entry()]);
    const withoutCa = flags([entry()]).filter((flag) => flag !== ca);
    expect(problems({ argv: withoutCa }).map(({ name }) => name)).to.deep.equal(["auth_certificates"]);
    const open = ["--host=0.0.0.0", ...flags([entry()])];
    expect(read({ argv: open }).insecure).to.equal(false);
    expect(
      problems({ argv: open.filter((flag) => flag !== certificates) }).map(({ name }) => name),
    ).to.deep.equal(["host"]);
  });
});
