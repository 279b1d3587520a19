import { createHash } from "node:crypto";
import { expect } from "chai";
import { createCredentialBook } from "../../../../src/rpc/security/credentials.ts";

const ROLES = [{ role: "reader", worlds: ["*"] }] as const;
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const TOKENS = [{ name: "desk", tokenSha256: sha256("secret"), roles: ROLES }];
const CERTIFICATES = [{ name: "gateway", sanUri: "spiffe://desk/gateway", roles: ROLES }];
const GATEWAY = { sanUri: "spiffe://desk/gateway", validToMs: 2_000 };

describe("the book of credentials", () => {
  let nowMs = 1_000;
  const open = () => createCredentialBook({ tokens: TOKENS, certificates: CERTIFICATES }, () => nowMs);
  beforeEach(() => {
    nowMs = 1_000;
  });

  it("is open only where it holds neither tokens nor certificates", () => {
    const none = { tokens: [], certificates: [] };
    const isOpen = (some: object) => createCredentialBook({ ...none, ...some }, () => 0).isOpen();
    expect([{}, { tokens: TOKENS }, { certificates: CERTIFICATES }].map(isOpen)).to.deep.equal([
      true,
      false,
      false,
    ]);
  });

  it("knows a certificate by its URI, byte by byte", () => {
    const nameOf = (sanUri: string) =>
      open().authenticate({ authorization: null, certificate: { ...GATEWAY, sanUri } })?.name;
    expect(nameOf(GATEWAY.sanUri)).to.equal("gateway");
    for (const other of [
      "spiffe://desk/Gateway",
      "SPIFFE://desk/gateway",
      "spiffe://desk/gateway/",
      "spiffe://desk/%67ateway",
      "",
    ]) {
      expect(nameOf(other), other).to.equal(undefined);
    }
  });

  it("asks a header first, and a wrong one is not made good by a certificate", () => {
    const nameOf = (authorization: string | null) =>
      open().authenticate({ authorization, certificate: GATEWAY })?.name;
    expect(nameOf("Bearer secret")).to.equal("desk");
    expect(nameOf("Bearer wrong")).to.equal(undefined);
    expect(nameOf("")).to.equal(undefined);
    expect(nameOf(null)).to.equal("gateway");
  });

  it("forgets a certificate that has run out, for calls and for what was let in with it", () => {
    const book = open();
    const shown = { authorization: null, certificate: GATEWAY };
    const principal = book.authenticate(shown) ?? expect.fail("is not known");
    expect(principal.validToMs).to.equal(2_000);
    expect(book.renewed(principal)?.name).to.equal("gateway");
    nowMs = 2_000;
    expect(book.authenticate(shown)).to.equal(undefined);
    expect(book.renewed(principal)).to.equal(undefined);
  });

  it("judges anew by what it was given last", () => {
    const book = open();
    const shown = { authorization: null, certificate: GATEWAY };
    const principal = book.authenticate(shown) ?? expect.fail("is not known");
    let told = 0;
    book.onReplaced(() => told++);
    const owner = [{ role: "owner", worlds: ["a"] }] as const;
    book.replace({
      tokens: TOKENS,
      certificates: [{ ...CERTIFICATES[0], name: "other", sanUri: GATEWAY.sanUri, roles: owner }],
    });
    expect(told).to.equal(1);
    expect(book.renewed(principal)?.may("owner", ["a"])).to.equal(true);
    book.replace({ tokens: TOKENS, certificates: [] });
    expect(book.renewed(principal)).to.equal(undefined);
  });
});
