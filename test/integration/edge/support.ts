import { readFileSync } from "node:fs";
import http2 from "node:http2";
import net from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Client,
  ConnectError,
  type ConnectRouter,
  createClient,
  type Transport,
} from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { expect } from "chai";
import { pino } from "pino";
import { ControlBusService } from "#gen/worldservice/v1/control_bus_service_pb.ts";
import { RebalanceService } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { BadRequestSchema, ErrorInfoSchema } from "#thirdparty/google/rpc/error_details_pb.ts";
import { createEdge, type Edge, type EdgeOptions } from "../../../src/rpc/edge/create-edge.ts";
import { createHealth, type HealthService } from "../../../src/rpc/standard/health.ts";

type Handlers = Parameters<typeof serve>[0];

/** An edge on a free loopback port, with one unary and one streaming method whose behaviour the test decides. */
export interface RunningEdge {
  readonly edge: Edge;
  readonly health: HealthService;
  readonly port: number;
  readonly url: string;
  /** Every log line so far, parsed. */
  readonly lines: Record<string, unknown>[];
  /** The same, as they were written. */
  readonly rawLines: string[];
}

/** What `PlanRebalance` and `Subscribe` do; without it they answer an empty plan and one topic message. */
export const quietHandlers = {
  plan: (): unknown => ({}),
  async *subscribe(): AsyncGenerator<{ message: { case: "topic"; value: { topic: string } } }> {
    yield topic("one");
  },
};

export const topic = (name: string) => ({ message: { case: "topic" as const, value: { topic: name } } });

const running = new Set<Edge>();

/** Starts an edge; `stopEdges` ends all of them. */
export async function startEdge(
  handlers: Partial<Handlers> = {},
  options: Partial<EdgeOptions> = {},
): Promise<RunningEdge> {
  const rawLines: string[] = [];
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    { level: "debug", base: null },
    {
      write(line: string) {
        rawLines.push(line);
        lines.push(JSON.parse(line));
      },
    },
  );
  const health = createHealth([RebalanceService.typeName]);
  const routes = (router: ConnectRouter) => {
    health.routes(router);
    serve({ ...quietHandlers, ...handlers })(router);
  };
  const edge = createEdge({ routes, log, ...options });
  const { port } = await edge.listen("127.0.0.1", 0);
  running.add(edge);
  return { edge, health, port, url: `http://127.0.0.1:${port}`, lines, rawLines };
}

/** For `afterEach`: an edge that does not close fails the test. */
export async function stopEdges(): Promise<void> {
  const edges = [...running];
  running.clear();
  await Promise.all(edges.map((edge) => edge.close(200)));
}

function serve(handlers: {
  plan: (request: unknown, context: { signal: AbortSignal }) => unknown;
  subscribe: (request: unknown, context: { signal: AbortSignal }) => AsyncIterable<ReturnType<typeof topic>>;
}) {
  return (router: ConnectRouter) => {
    router.service(RebalanceService, {
      planRebalance: async (request, context) => (await handlers.plan(request, context)) as object,
    });
    router.service(ControlBusService, {
      subscribe: (request, context) => handlers.subscribe(request, context),
    });
  };
}

/** Every way to call the service that Connect's clients know, by name. */
export function transports(url: string): Map<string, Transport> {
  const map = new Map<string, Transport>();
  map.set("gRPC", createGrpcTransport({ baseUrl: url }));
  for (const httpVersion of ["1.1", "2"] as const) {
    map.set(`gRPC-Web over HTTP/${httpVersion}`, createGrpcWebTransport({ baseUrl: url, httpVersion }));
    for (const useBinaryFormat of [true, false]) {
      const name = `Connect ${useBinaryFormat ? "binary" : "JSON"} over HTTP/${httpVersion}`;
      map.set(name, createConnectTransport({ baseUrl: url, httpVersion, useBinaryFormat }));
    }
  }
  return map;
}

/** The names of `transports`, to make tests from before a server runs. */
export const TRANSPORT_NAMES = [...transports("http://127.0.0.1:1").keys()];

/** Clients of both services over one of the transports. */
export function clients(url: string, name: string) {
  const transport = transports(url).get(name);
  if (transport === undefined) throw new Error(`no transport ${name}`);
  return clientsOver(transport);
}

export function clientsOver(transport: Transport): {
  rebalance: Client<typeof RebalanceService>;
  bus: Client<typeof ControlBusService>;
} {
  return {
    rebalance: createClient(RebalanceService, transport),
    bus: createClient(ControlBusService, transport),
  };
}

/** What a caller learns from an error. */
export function seen(error: unknown) {
  if (!(error instanceof ConnectError)) throw error;
  const [info] = error.findDetails(ErrorInfoSchema);
  return {
    code: error.code,
    message: error.rawMessage,
    reason: info?.reason,
    domain: info?.domain,
    metadata: info?.metadata,
    fields: error.findDetails(BadRequestSchema)[0]?.fieldViolations.map((violation) => violation.field),
  };
}

/** The error of a call that must fail. */
export async function failureOf(call: Promise<unknown>): Promise<ReturnType<typeof seen>> {
  try {
    await call;
  } catch (error) {
    return seen(error);
  }
  expect.fail("the call succeeded");
}

/** Resolves when the condition holds; fails the test when it does not within some seconds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (condition()) return;
    await sleep(10);
  }
  expect.fail(`never true: ${condition}`);
}

/** All messages of a stream. */
export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const message of stream) all.push(message);
  return all;
}

/** A request that everyone may send and that passes validation. */
export const validRequest = { rebalance: { totalEquity: 1 } };

/** Writes bytes to the port and reads until the server closes the connection or has been silent for `quietMs`. */
export function rawExchange(
  port: number,
  bytes: string | Buffer,
  quietMs = 500,
): Promise<{ text: string; closed: boolean }> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = net.connect(port, "127.0.0.1", () => socket.write(bytes));
    const finish = (closed: boolean) => {
      socket.destroy();
      resolve({ text: Buffer.concat(chunks).toString("latin1"), closed });
    };
    socket.setTimeout(quietMs, () => finish(false));
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", () => finish(true));
    socket.on("close", () => finish(true));
  });
}

/** One HTTP/2 request with exactly these headers, and its answer; `reset` when the stream or session was dropped. */
export function rawHttp2(
  port: number,
  headers: http2.OutgoingHttpHeaders,
  body?: Buffer,
): Promise<{
  status: number | "reset";
  headers: http2.IncomingHttpHeaders;
  trailers: http2.IncomingHttpHeaders;
  body: string;
}> {
  return new Promise((resolve) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    const answer = { status: "reset" as number | "reset", headers: {}, trailers: {}, body: "" };
    const finish = () => {
      session.destroy();
      resolve(answer);
    };
    session.on("error", finish);
    // The server's limits hold from the moment both sides have seen them.
    session.once("remoteSettings", () => {
      const stream = session.request({ ":method": "POST", ":path": PLAN_PATH, ...headers });
      stream.on("response", (received) => {
        answer.status = received[":status"] ?? "reset";
        answer.headers = received;
      });
      stream.on("trailers", (received) => {
        answer.trailers = received;
      });
      stream.on("data", (chunk: Buffer) => {
        answer.body += chunk.toString();
      });
      stream.on("error", finish);
      stream.on("close", finish);
      stream.end(body);
    });
  });
}

export const PLAN_PATH = `/${RebalanceService.typeName}/PlanRebalance`;

/** A gRPC or Connect envelope. */
export function envelope(payload: Buffer, flags = 0, length = payload.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, payload]);
}

/** The certificate and key of the tests' TLS server: for `localhost` and 127.0.0.1, made for nothing else. */
export const certificate = {
  cert: readFileSync(join(import.meta.dirname, "certificate", "localhost-cert.pem")),
  key: readFileSync(join(import.meta.dirname, "certificate", "localhost-key.pem")),
};
