import { expect } from "chai";
import {
  limitsApply,
  prettyLogs,
  reflectionEnabled,
  requiresCredentials,
} from "../../../src/settings/policies.ts";
import { problems, read } from "./support.ts";

const DIGEST = "a".repeat(64);
const TOKENS = `--auth-tokens=[{"name":"a","token_sha256":"${DIGEST}","roles":[{"role":"owner","worlds":["*"]}]}]`;
const TLS = ["--tls-cert=cert.pem", "--tls-key=key.pem"];
const names = (...argv: readonly string[]) => problems({ argv }).map(({ name }) => name);

describe("settings that must fit together", () => {
  it("refuse alpha_metrics_required without compat_rebalance_v2, and say why", () => {
    const found = problems({ argv: ["--alpha-metrics-required"] });
    expect(found.map(({ name }) => name)).to.deep.equal(["alpha_metrics_required"]);
    expect(found[0]?.reason).to.include("compat_rebalance_v2").and.include("schema version 1");
    expect(
      read({ argv: ["--alpha-metrics-required", "--compat-rebalance-v2"] }).alphaMetricsRequired,
    ).to.equal(true);
  });

  it("refuse another address than loopback unless TLS and tokens are there, or insecure says so", () => {
    expect(names("--host=0.0.0.0")).to.deep.equal(["host"]);
    expect(names("--host=0.0.0.0", ...TLS)).to.deep.equal(["host"]);
    expect(names("--host=0.0.0.0", TOKENS)).to.deep.equal(["host"]);
    expect(read({ argv: ["--host=0.0.0.0", ...TLS, TOKENS] }).insecure).to.equal(false);
    expect(read({ argv: ["--host=0.0.0.0", "--insecure"] }).insecure).to.equal(true);
  });

  it("refuse one half of a TLS identity, and client certificates without it", () => {
    expect(names("--tls-cert=a")).to.deep.equal(["tls_cert"]);
    expect(names("--tls-key=a")).to.deep.equal(["tls_key"]);
    expect(names("--tls-client-ca=a")).to.deep.equal(["tls_client_ca"]);
    expect(read({ argv: [...TLS, "--tls-client-ca=ca.pem"] })).to.include({
      tlsCert: "cert.pem",
      tlsClientCa: "ca.pem",
    });
  });

  it("refuse one port for both servers, but not two free ones", () => {
    expect(names("--port=9464")).to.deep.equal(["admin_port"]);
    expect(read({ argv: ["--port=0", "--admin-port=0"] })).to.include({ port: 0, adminPort: 0 });
  });

  it("refuse replicated durability on a store without replicas", () => {
    expect(names("--durability=replicated")).to.deep.equal(["durability"]);
    expect(read({ argv: ["--durability=replicated", "--store=redis://a"] }).durability).to.equal(
      "replicated",
    );
  });

  it("are not judged while one of them is wrong by itself", () => {
    expect(names("--host=0.0.0.0", "--auth-tokens=x")).to.deep.equal(["auth_tokens"]);
  });
});

describe("what follows from the settings", () => {
  it("is a token for every call as soon as there is one", () => {
    expect(requiresCredentials(read())).to.equal(false);
    expect(requiresCredentials(read({ argv: [TOKENS] }))).to.equal(true);
  });

  it("is no limit on loopback without tokens only", () => {
    expect(limitsApply(read())).to.equal(false);
    expect(limitsApply(read({ argv: [TOKENS] }))).to.equal(true);
    expect(limitsApply(read({ argv: ["--host=0.0.0.0", "--insecure"] }))).to.equal(true);
  });

  it("is reflection on loopback, unless it is switched", () => {
    const everywhere = ["--host=0.0.0.0", "--insecure"];
    expect(reflectionEnabled(read())).to.equal(true);
    expect(reflectionEnabled(read({ argv: ["--reflection=off"] }))).to.equal(false);
    expect(reflectionEnabled(read({ argv: everywhere }))).to.equal(false);
    expect(reflectionEnabled(read({ argv: [...everywhere, "--reflection=on"] }))).to.equal(true);
  });

  it("is pretty logs on a terminal, unless the form is given", () => {
    expect([true, false].map((terminal) => prettyLogs(read(), terminal))).to.deep.equal([true, false]);
    expect(prettyLogs(read({ argv: ["--log-format=json"] }), true)).to.equal(false);
    expect(prettyLogs(read({ argv: ["--log-format=pretty"] }), false)).to.equal(true);
  });
});
