import tls from "node:tls";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { expect } from "chai";
import {
  certificate,
  clients,
  clientsOver,
  collect,
  PLAN_PATH,
  startEdge,
  stopEdges,
  TRANSPORT_NAMES,
  validRequest,
} from "./support.ts";

/** A call with an implementation of gRPC that shares no code with the server. */
function grpcJsCall(target: string, credentials: grpc.ChannelCredentials): Promise<Buffer> {
  const client = new grpc.Client(target, credentials);
  const raw = (bytes: Buffer) => bytes;
  // PlanRebalanceRequest{rebalance{total_equity: 1}} by hand.
  const request = Buffer.from([0x0a, 0x09, 0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(PLAN_PATH, raw, raw, request, (error, value) => {
      client.close();
      if (error) reject(error);
      else resolve(value ?? Buffer.alloc(0));
    });
  });
}

describe("one port", () => {
  afterEach(stopEdges);

  for (const name of TRANSPORT_NAMES) {
    it(`answers calls and streams by ${name}`, async () => {
      const { url } = await startEdge();
      const { rebalance, bus } = clients(url, name);
      expect((await rebalance.planRebalance(validRequest)).$typeName).to.equal(
        "worldservice.v1.PlanRebalanceResponse",
      );
      const messages = await collect(bus.subscribe({}));
      expect(
        messages.map((m) => (m.message.case === "topic" ? m.message.value.topic : m.message.case)),
      ).to.deep.equal(["one"]);
    });
  }

  it("answers grpc-js", async () => {
    const { port } = await startEdge();
    expect((await grpcJsCall(`127.0.0.1:${port}`, grpc.credentials.createInsecure())).length).to.equal(0);
  });

  it("speaks HTTP/2 and HTTP/1.1 over TLS, as ALPN settles it", async () => {
    const { port } = await startEdge({}, { tls: certificate });
    const baseUrl = `https://localhost:${port}`;
    const nodeOptions = { ca: certificate.cert };
    const overTls = [
      createGrpcTransport({ baseUrl, nodeOptions }),
      createConnectTransport({ baseUrl, httpVersion: "2", nodeOptions }),
      createConnectTransport({ baseUrl, httpVersion: "1.1", nodeOptions }),
    ];
    for (const transport of overTls) await clientsOver(transport).rebalance.planRebalance(validRequest);
    await grpcJsCall(`localhost:${port}`, grpc.credentials.createSsl(certificate.cert));
  });

  it("finds out by the first bytes what a TLS client without ALPN speaks", async () => {
    const { port } = await startEdge({}, { tls: certificate });
    const socket = tls.connect({ port, host: "127.0.0.1", servername: "localhost", ca: certificate.cert });
    socket.end(`POST /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    const [first] = await collect<Buffer>(socket);
    expect(first?.toString()).to.match(/^HTTP\/1\.1 404 /);
  });

  it("lets no one in over TLS without a certificate of the given authority, when one is given", async () => {
    const { port } = await startEdge({}, { tls: { ...certificate, clientCa: certificate.cert } });
    const baseUrl = `https://localhost:${port}`;
    const stranger = createGrpcTransport({ baseUrl, nodeOptions: { ca: certificate.cert } });
    const error = await clientsOver(stranger)
      .rebalance.planRebalance(validRequest)
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    expect(error).to.be.an("error");
    const known = createGrpcTransport({ baseUrl, nodeOptions: { ca: certificate.cert, ...certificate } });
    await clientsOver(known).rebalance.planRebalance(validRequest);
  });
});
