import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import pino from "pino";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { RebalanceService } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { createEdge } from "../../../src/rpc/edge/create-edge.ts";
import { answerOf } from "./plan.ts";
import { frame } from "./raw-client.ts";
import type { ServerKind, ServerMessage } from "./server-process.ts";

const LIMIT = 128 << 20;
const WINDOW = 16 << 20;

/** The same two methods for every server that speaks Connect. */
function routes(router: ConnectRouter): void {
  router.service(CapabilityService, { getCapabilities: () => ({ serverVersion: "1.0.0", book: "main" }) });
  router.service(RebalanceService, { planRebalance: answerOf });
}

/** Answers with as many bytes as the path says: what the transport alone costs. */
function rawServer(): http2.Http2Server {
  const server = createServer();
  server.on("stream", (stream, headers) => {
    const answer = frame(new Uint8Array(Number(headers[":path"]?.slice(1))));
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      Buffer.concat(chunks);
      stream.end(answer);
    });
  });
  return server;
}

function stockServer(): http2.Http2Server {
  return createServer(connectNodeAdapter({ routes, readMaxBytes: LIMIT, writeMaxBytes: LIMIT }));
}

function createServer(handler?: ReturnType<typeof connectNodeAdapter>): http2.Http2Server {
  const server = http2.createServer(
    { settings: { initialWindowSize: WINDOW }, maxSessionMemory: 1024 },
    handler,
  );
  server.on("session", (session) => session.setLocalWindowSize(4 * WINDOW));
  return server;
}

async function listen(kind: ServerKind): Promise<number> {
  if (kind === "worldservice") {
    const edge = createEdge({ routes, log: pino({ level: "silent" }), limits: { maxMessageBytes: LIMIT } });
    return (await edge.listen("127.0.0.1", 0)).port;
  }
  const server = kind === "raw" ? rawServer() : stockServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

function tell(message: ServerMessage): void {
  process.send?.(message);
}

process.on("message", () => {
  const { user, system } = process.cpuUsage();
  tell({ cpuMicros: user + system });
});
process.on("disconnect", () => process.exit(0));
tell({ port: await listen(process.argv[2] as ServerKind) });
