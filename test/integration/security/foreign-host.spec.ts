import { Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Client, credentials } from "@grpc/grpc-js";
import { expect } from "chai";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { rawExchange, rawHttp2 } from "../edge/support.ts";
import { AUTH_TOKENS } from "./support.ts";

const PATH = `/${CapabilityService.typeName}/GetCapabilities`;
const GRPC = { ":path": PATH, "content-type": "application/grpc", te: "trailers" };
const FRAME = Buffer.alloc(5);

/** What a page in a browser sends, under the name that it was loaded from. */
function pageRequest(host: string): string {
  return [
    `POST ${PATH} HTTP/1.1`,
    `Host: ${host}`,
    `Origin: http://${host}`,
    "Content-Type: application/json",
    "Content-Length: 2",
    "Connection: close",
    "",
    "{}",
  ].join("\r\n");
}

describe("the name under which a server is called", () => {
  let server: TestServer;
  afterEach(() => server.stop());

  const statusFor = async (host: string) =>
    /^HTTP\/1\.1 (\d+)/.exec((await rawExchange(server.port, pageRequest(host), 5000)).text)?.[1];

  it("must be one of this machine where nothing else protects it", async () => {
    server = await startServer();
    for (const host of [
      "localhost",
      "LOCALHOST:1",
      "127.0.0.1",
      "127.9.9.9:80",
      "[::1]:50051",
      "ws.localhost",
    ]) {
      expect(await statusFor(host), host).to.equal("200");
    }
    for (const host of [
      "evil.example",
      "evil.example:50051",
      "localhost.evil.example",
      "192.0.2.1",
      "[2001:db8::1]",
    ]) {
      expect(await statusFor(host), host).to.equal("403");
    }
  });

  it("stands in a request once", async () => {
    server = await startServer();
    const twice = pageRequest("localhost").replace(
      "Host: localhost",
      "Host: localhost\r\nhost: evil.example",
    );
    expect((await rawExchange(server.port, twice, 5000)).text).to.match(/^HTTP\/1\.1 400 /);
  });

  it("is asked for over HTTP/2 too, and the refusal says what would do", async () => {
    server = await startServer();
    const refused = await rawHttp2(server.port, { ...GRPC, ":authority": "evil.example" }, FRAME);
    expect(refused.headers).to.include({ ":status": 200, "grpc-status": String(Code.PermissionDenied) });
    expect(refused.headers["grpc-status-details-bin"]).to.be.a("string");
    const json = { ...GRPC, "content-type": "application/json", ":authority": "evil.example" };
    expect((await rawHttp2(server.port, json, Buffer.from("{}"))).headers[":status"]).to.equal(403);
    const text = (await rawExchange(server.port, pageRequest("evil.example"), 5000)).text;
    expect(text).to.contain("PERMISSION_DENIED").and.contain("localhost");
    await createClient(
      CapabilityService,
      createGrpcTransport({ baseUrl: `http://localhost:${server.port}` }),
    ).getCapabilities({});
  });

  it("may be any where credentials are asked for, or the address is public anyway", async () => {
    server = await startServer({ auth_tokens: AUTH_TOKENS });
    expect(await statusFor("worldservice.example")).to.equal("401");
    await server.stop();
    server = await startServer({ host: "0.0.0.0", insecure: true });
    expect(await statusFor("worldservice.example")).to.equal("200");
  });

  it("is the one grpc-js sends by itself", async () => {
    server = await startServer();
    const client = new Client(`localhost:${server.port}`, credentials.createInsecure());
    const answer = await new Promise<Error | null>((resolve) => {
      client.makeUnaryRequest(
        PATH,
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        Buffer.alloc(0),
        resolve,
      );
    });
    client.close();
    expect(answer).to.equal(null);
  });
});
