import { expect } from "chai";
import { problems, read, refusal, server } from "./support.ts";

describe("readSettings", () => {
  it("gives the defaults of the contract when nothing is said", () => {
    const { origins, ...values } = read();
    expect(values).to.deep.equal({
      host: "127.0.0.1",
      port: 50051,
      adminPort: 9464,
      store: { kind: "sqlite", path: "./data/worldservice.db" },
      durability: "fsync",
      allowDegradedDurability: false,
      book: "main",
      compatRebalanceV2: false,
      alphaMetricsRequired: false,
      executor: { kind: "none" },
      executorTlsCa: undefined,
      sharedAccountEnabled: false,
      sharedAccountMaxGrossNotional: undefined,
      sharedAccountMaxNetNotional: undefined,
      sharedAccountMinMarginHeadroom: undefined,
      authTokens: [],
      authCertificates: [],
      tlsCert: undefined,
      tlsKey: undefined,
      tlsClientCa: undefined,
      insecure: false,
      lockTtlMs: 5_000,
      bookmarkIntervalMs: 10_000,
      feedRetentionCommits: 100_000,
      maxMessageBytes: 64 * 1024 * 1024,
      maxDeadlineMs: 60_000,
      drainTimeoutMs: 25_000,
      rateLimitPerSecond: 200,
      subscriptionLimit: 100,
      authFailureLimitPerSecond: 10,
      reflection: "auto",
      logLevel: "info",
      logFormat: "auto",
    });
    expect(new Set(Object.values(origins).map(({ source }) => source))).to.deep.equal(new Set(["default"]));
  });

  it("lets the file override defaults, the environment the file, and flags the environment", () => {
    const settings = read({
      yaml: server("port: 1001", "admin_port: 1002", "book: file"),
      env: { WORLDSERVICE_SERVER_ADMIN_PORT: "2002", WORLDSERVICE_SERVER_BOOK: "env" },
      argv: ["--book", "flag"],
    });
    expect([settings.host, settings.port, settings.adminPort, settings.book]).to.deep.equal([
      "127.0.0.1",
      1001,
      2002,
      "flag",
    ]);
    expect(settings.origins).to.deep.include({
      host: { source: "default", at: "default" },
      port: { source: "file", at: "settings.yaml" },
      adminPort: { source: "env", at: "WORLDSERVICE_SERVER_ADMIN_PORT" },
      book: { source: "flag", at: "--book" },
    });
  });

  it("returns an object that nobody can change at any depth", () => {
    const settings = read({ argv: ["--store", "redis+cluster://a:1,b:2"] });
    const nodes =
      settings.store.kind === "redis" && settings.store.topology === "cluster" ? settings.store.nodes : [];
    for (const part of [
      settings,
      settings.store,
      nodes,
      nodes[0],
      settings.origins,
      settings.origins.port,
      settings.authTokens,
    ]) {
      expect(Object.isFrozen(part)).to.equal(true);
    }
  });

  it("names every problem of every source in one error", () => {
    const error = refusal({
      yaml: server("bok: main", "lock_ttl: 5"),
      env: { WORLDSERVICE_SERVER_PORT: "70000", WORLDSERVICE_SERVER_PROT: "1" },
      argv: ["--log-level", "loud", "--sotre", "memory:"],
    });
    expect(error.problems.map(({ name }) => name)).to.have.members([
      "worldservice.server.bok",
      "lock_ttl",
      "port",
      "WORLDSERVICE_SERVER_PROT",
      "log_level",
      "--sotre",
    ]);
    for (const { name } of error.problems) expect(error.message).to.include(name);
    expect(error.message).to.match(/^6 problems/);
  });

  it("says name, place, value and allowed range of a refused value", () => {
    expect(problems({ env: { WORLDSERVICE_SERVER_PORT: "70000" } })).to.deep.equal([
      {
        name: "port",
        origin: { source: "env", at: "WORLDSERVICE_SERVER_PORT" },
        value: '"70000"',
        reason: "is more than 65535",
        allowed: "0 to 65535",
      },
    ]);
  });

  it("refuses a value that a later source overrides, so that it is mended before it matters", () => {
    expect(problems({ yaml: server("port: none"), argv: ["--port", "6000"] })).to.have.length(1);
  });

  it("clears an optional setting of an earlier source with none", () => {
    const yaml = server("tls_cert: a.pem", "tls_key: b.pem");
    const settings = read({
      yaml,
      argv: ["--tls-cert", "none"],
      env: { WORLDSERVICE_SERVER_TLS_KEY: "none" },
    });
    expect([settings.tlsCert, settings.tlsKey]).to.deep.equal([undefined, undefined]);
  });

  it("refuses an empty variable instead of taking it for an absent one", () => {
    for (const key of ["AUTH_TOKENS", "TLS_CERT", "BOOK", "INSECURE", "PORT", "LOCK_TTL", "LOG_LEVEL"]) {
      expect(problems({ env: { [`WORLDSERVICE_SERVER_${key}`]: "" } }), key).to.have.length(1);
    }
  });

  it("leaves variables of others alone", () => {
    expect(read({ env: { WORLDSERVICE_PORT: "x", PORT: "x", worldservice_server_port: "x" } }).port).to.equal(
      50051,
    );
  });
});
