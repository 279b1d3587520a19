import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { ControlBusService } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { failureOf, until } from "../edge/support.ts";
import { AUTH_TOKENS, bearer, principalName, tokenOf } from "../security/support.ts";
import { certificateFolder } from "../security/support-certificates.ts";
import { endProcesses, freePort, startedProcess, startProcess } from "./support.ts";

const OWNER = principalName("owner", "*");

describe("the server process", () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "ws-process-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(endProcesses);

  const capabilities = (port: number, headers: Record<string, string> = {}) =>
    createClient(
      CapabilityService,
      createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` }),
    ).getCapabilities({}, { headers });

  for (const [what, flags] of [
    ["without TLS and tokens", {}],
    ["with tokens but without TLS", { auth_tokens: AUTH_TOKENS }],
  ] as const) {
    it(`refuses to listen beyond loopback ${what}`, async () => {
      const started = await startProcess({ host: "0.0.0.0", ...flags });
      if (!("output" in started) || "child" in started) expect.fail("the server started");
      expect(started.code).to.equal(2);
      expect(started.output).to.contain("is reachable from other machines");
    });
  }

  it("does not listen when its certificate cannot be read", async () => {
    const started = await startProcess({ tls_cert: "/nowhere.pem", tls_key: "/nowhere.key" });
    if ("child" in started) expect.fail("the server started");
    expect(started.code).to.equal(2);
    expect(started.output).to.contain("tls_cert: /nowhere.pem cannot be read").and.not.to.contain("    at ");
  });

  it("listens beyond loopback with TLS and tokens, and then serves nothing in cleartext or without a token", async () => {
    const certificates = certificateFolder();
    try {
      const { cert, key } = certificates.make("server");
      const { port } = await startedProcess({
        host: "0.0.0.0",
        tls_cert: cert,
        tls_key: key,
        auth_tokens: AUTH_TOKENS,
      });
      const plain = await capabilities(port, bearer(OWNER)).then(
        () => "answered",
        () => "refused",
      );
      expect(plain).to.equal("refused");
      const transport = createGrpcTransport({
        baseUrl: `https://localhost:${port}`,
        nodeOptions: { ca: certificates.read(cert) },
      });
      const client = createClient(CapabilityService, transport);
      expect(await failureOf(client.getCapabilities({}))).to.include({ code: Code.Unauthenticated });
      expect((await client.getCapabilities({}, { headers: bearer(OWNER) })).book).to.equal("main");
    } finally {
      certificates.remove();
    }
  });

  it("writes no token and no digest of one anywhere, at any log level", async () => {
    const server = await startedProcess({ auth_tokens: AUTH_TOKENS, log_level: "trace" });
    await capabilities(server.port, bearer(OWNER));
    await failureOf(capabilities(server.port, { authorization: "Bearer not-a-token-of-ours" }));
    // Places where a token does not belong, and from where careless callers or proxies send it all the same.
    const path = `/${CapabilityService.typeName}/GetCapabilities`;
    const misplaced = await fetch(`http://127.0.0.1:${server.port}${path}?access_token=in-the-query`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        cookie: "token=in-a-cookie",
        "proxy-authorization": "Bearer in-another-header",
        "x-api-key": "in-a-header-of-ones-own",
        referer: "http://localhost/?token=in-the-referer",
      },
      body: '{"token":"in-the-body"}',
    });
    expect(misplaced.status).to.equal(401);
    const elsewhere = await fetch(`http://127.0.0.1:${server.port}/in-the-path?key=in-the-query`);
    expect(elsewhere.status).to.equal(404);
    await until(() => server.lines.filter((line) => line.msg === "call").length === 3);
    expect(await server.end("SIGTERM")).to.equal(0);
    const digest = createHash("sha256").update(tokenOf(OWNER)).digest("hex");
    for (const secret of [tokenOf(OWNER), digest, "not-a-token-of-ours", "in-the-", "in-a-", "in-another-"]) {
      expect(server.output()).not.to.contain(secret);
    }
  });

  it("takes other tokens from its file on SIGHUP, and keeps the old ones when the file is broken", async () => {
    const file = join(folder, "settings.yaml");
    const write = (tokens: string, more = "") =>
      writeFileSync(file, `worldservice:\n  server:\n    auth_tokens: ${tokens}\n${more}`);
    write(AUTH_TOKENS);
    const server = await startedProcess({ config: file });
    await capabilities(server.port, bearer(OWNER));
    const said = (msg: string) => until(() => server.lines.some((line) => line.msg === msg));
    write("[{}]");
    server.child.kill("SIGHUP");
    await said("the settings cannot be used; the credentials stay as they were");
    await capabilities(server.port, bearer(OWNER));
    write(
      JSON.stringify((JSON.parse(AUTH_TOKENS) as { name: string }[]).filter(({ name }) => name !== OWNER)),
      "    lock_ttl: 9s\n    book: other\n",
    );
    server.child.kill("SIGHUP");
    await said("the credentials were read again");
    const needRestart = "other settings changed: they need a restart";
    await said(needRestart);
    expect(server.lines.find(({ msg }) => msg === needRestart)?.settings).to.have.members([
      "book",
      "lock_ttl",
    ]);
    expect(await failureOf(capabilities(server.port, bearer(OWNER)))).to.include({
      code: Code.Unauthenticated,
    });
  });

  it("drains on SIGTERM: readiness first, then a last bookmark and UNAVAILABLE, exit code 0", async () => {
    const adminPort = await freePort();
    const server = await startedProcess({ admin_port: adminPort, drain_timeout: "10s" });
    const ready = () => fetch(`http://127.0.0.1:${adminPort}/readyz`).then(({ status }) => status);
    expect(await ready()).to.equal(200);
    const bus = createClient(
      ControlBusService,
      createGrpcTransport({ baseUrl: `http://127.0.0.1:${server.port}` }),
    );
    const received: (string | undefined)[] = [];
    const ended = failureOf(
      (async () => {
        for await (const { message } of bus.subscribe({})) received.push(message.case);
      })(),
    );
    await until(() => received.length === 2);
    const exit = server.end("SIGTERM");
    await until(() => server.lines.some((line) => line.msg === "stopping"));
    expect(await ready()).to.equal(503);
    // Told to send nothing more, a load balancer may still have sent this.
    expect((await capabilities(server.port)).book).to.equal("main");
    expect(await ended).to.include({ code: Code.Unavailable, reason: "DRAINING" });
    expect(received).to.deep.equal(["topic", "bookmark", "bookmark"]);
    expect(await exit).to.equal(0);
    expect(server.lines.at(-1)?.msg).to.equal("stopped");
  });

  for (const setting of ["port", "admin_port"]) {
    it(`names the setting when ${setting} is taken, without a stack, and leaves nothing running`, async () => {
      const taken = await startedProcess();
      const failed = await startProcess({ [setting]: taken.port });
      if ("child" in failed) expect.fail("two servers share a port");
      expect(failed.code).to.equal(2);
      const lines = failed.output.split("\n");
      expect(lines).to.include(`cannot listen on 127.0.0.1:${taken.port} (${setting}): the port is in use`);
      expect(lines.filter((line) => line.startsWith("    at "))).to.deep.equal([]);
    });
  }

  it("ends at once on a second signal", async () => {
    const server = await startedProcess({ drain_timeout: "1m" });
    server.child.kill("SIGTERM");
    await until(() => server.lines.some((line) => line.msg === "stopping"));
    expect(await server.end("SIGTERM")).to.equal(1);
  });
});
