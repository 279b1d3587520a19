import { once } from "node:events";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter, type ServiceImpl } from "@connectrpc/connect";
import { validateUniversalHandlerOptions } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import pino from "pino";
import { type ApplyRebalanceRequest, RebalanceService } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { DomainError, invalidFields } from "../../../src/domain/errors.ts";
import { createAdapter } from "../../../src/rpc/edge/adapter.ts";
import { callGate, draining } from "../../../src/rpc/edge/call-gate.ts";
import { DEFAULT_LIMITS } from "../../../src/rpc/edge/limits.ts";
import { toConnectError } from "../../../src/rpc/errors.ts";
import { createFastUnary } from "../../../src/rpc/fast/fast-unary.ts";
import { mapErrors } from "../../../src/rpc/interceptors/map-errors.ts";
import { validateRequests } from "../../../src/rpc/interceptors/validate-request.ts";
import { BULK_DECODERS } from "../../../src/rpc/wire/bulk-decoders.ts";
import { positionsOf } from "../../../src/rpc/wire/positions.ts";

export const MAX_BYTES = 64 * 1024;
const MAX_TIMEOUT_MS = 60_000;
const BODY_TIMEOUT_MS = 400;

/** Which handlers answer unary gRPC calls. */
export type PathKind = "ordinary" | "fast";

/** A server on a port of its own. */
export interface TestServer {
  readonly port: number;
  /** Reasons with which the signals of calls to `wait` were aborted. */
  readonly aborted: string[];
  /** Calls that a fast handler took on. */
  fastCalls(): number;
  shutDown(): void;
  close(): Promise<void>;
}

/** What a handler does, by the run id it is called with. */
function behaviour(aborted: string[]): Partial<ServiceImpl<typeof RebalanceService>> {
  const behaviours: Record<string, NonNullable<ServiceImpl<typeof RebalanceService>["applyRebalance"]>> = {
    ok: () => ({ runId: "ok", etag: "sha256:00" }),
    empty: () => ({}),
    headers: (_, context) => {
      context.responseHeader.set("x-header", "one");
      context.responseHeader.append("x-header", "two");
      context.responseTrailer.set("x-trailer", "three");
      return { runId: "headers" };
    },
    seen: (request, context) => ({ runId: seenBy(request, context) }),
    positions: (request) => ({ runId: JSON.stringify(positionsOf(requireRebalance(request), "rebalance")) }),
    large: () => ({ runId: "x".repeat(5000) }),
    "too-large": () => ({ runId: "x".repeat(MAX_BYTES + 1) }),
    domain: () => {
      throw new DomainError("RUN_ID_REUSED", "the run id is taken", { metadata: { run_id: "domain" } });
    },
    field: () => {
      throw invalidFields([{ field: "rebalance.positions[3].qty", description: "must be finite" }]);
    },
    connect: () => {
      const detail = { desc: StructSchema, value: { fields: {} } };
      throw new ConnectError("é – not now", Code.Unavailable, { "x-meta": "m" }, [detail]);
    },
    crash: () => {
      throw new Error("secret");
    },
    later: async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      throw new DomainError("LOCK_TIMEOUT", "locked", { retryAfterMs: 1500 });
    },
    wait: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        const end = () => {
          aborted.push(ConnectError.from(signal.reason).message);
          reject(signal.reason);
        };
        if (signal.aborted) end();
        else signal.addEventListener("abort", end);
      }),
  };
  return {
    applyRebalance(request, context) {
      const behave = behaviours[request.runId];
      if (behave === undefined) throw new ConnectError(`no behaviour ${request.runId}`, Code.NotFound);
      return behave(request, context);
    },
    planRebalance: (request) => ({ plan: { schemaVersion: request.rebalance?.schemaVersion ?? -1 } }),
  };
}

type Context = Parameters<ServiceImpl<typeof RebalanceService>["applyRebalance"]>[1];

/** Everything a handler can see of a call, as text. */
function seenBy(request: ApplyRebalanceRequest, context: Context): string {
  const headers = [...context.requestHeader].filter(([name]) => name !== "grpc-timeout");
  return JSON.stringify({
    headers,
    message: request.$unknown?.length ?? 0,
    method: context.method.name,
    service: context.service.typeName,
    httpMethod: context.requestMethod,
    protocol: context.protocolName,
    path: new URL(context.url).pathname,
    hasDeadline: context.timeoutMs() !== undefined,
    aborted: context.signal.aborted,
  });
}

function requireRebalance(request: ApplyRebalanceRequest) {
  if (request.rebalance === undefined) throw new Error("no rebalance");
  return request.rebalance;
}

/** Starts the same service behind either kind of handler. */
export async function startServer(kind: PathKind): Promise<TestServer> {
  const aborted: string[] = [];
  const shutdown = new AbortController();
  const log = pino({ level: "silent" });
  const shared = {
    acceptCompression: [compressionGzip, compressionBrotli],
    readMaxBytes: MAX_BYTES,
    writeMaxBytes: MAX_BYTES,
    maxTimeoutMs: MAX_TIMEOUT_MS,
    shutdownSignal: shutdown.signal,
    requestGate: callGate({
      log,
      isDraining: () => false,
      gate: async (context) => {
        if (context.requestHeader.get("x-slow-gate") !== null) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        if (context.requestHeader.get("x-refuse") !== null) throw new DomainError("UNAUTHENTICATED", "who?");
      },
    }),
    interceptors: [mapErrors(log), validateRequests()],
  };
  const times = { maxTimeoutMs: MAX_TIMEOUT_MS, bodyTimeoutMs: BODY_TIMEOUT_MS };
  const fast = createFastUnary({
    ...validateUniversalHandlerOptions(shared),
    bodyTimeoutMs: BODY_TIMEOUT_MS,
    decoders: BULK_DECODERS,
    log,
  });
  const adapter = createAdapter({
    routes: (router: ConnectRouter) => {
      const target = kind === "fast" ? fast.record(router) : router;
      // The adapter has fast handlers of its own; a service with options of its own stays with the ordinary ones.
      target.service(RebalanceService, behaviour(aborted), kind === "fast" ? undefined : {});
    },
    router: shared,
    limits: { ...DEFAULT_LIMITS, maxMessageBytes: MAX_BYTES, ...times },
    log,
  });
  let fastCalls = 0;
  const server = http2.createServer((request, response) => {
    const served = fast.handlers.get(request.url)?.(request, response);
    if (served === undefined) adapter(request, response);
    else fastCalls++;
  });
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on("session", (session) => sessions.add(session));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    aborted,
    fastCalls: () => fastCalls,
    shutDown: () => shutdown.abort(toConnectError(draining(), { log })),
    async close() {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** What comes back over HTTP/2, without what differs from call to call. */
export interface Observed {
  readonly headers: Record<string, unknown>;
  readonly trailers: Record<string, unknown>;
  readonly body: string;
  readonly resetCode: number;
}

/** A call as bytes. */
export interface RawCall {
  readonly path?: string;
  readonly headers?: Record<string, string>;
  /** Each is written by itself. */
  readonly chunks: readonly Uint8Array[];
  /** False leaves the request open. */
  readonly end?: boolean;
  /** Cancels after that many milliseconds. */
  readonly cancelAfterMs?: number;
}

export const APPLY = "/worldservice.v2.RebalanceService/ApplyRebalance";

export async function observe(port: number, { path = APPLY, headers, chunks, end, cancelAfterMs }: RawCall) {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on("error", () => undefined);
  const stream = session.request(
    {
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      "x-request-id": "r1",
      te: "trailers",
      ...headers,
    },
    { endStream: false },
  );
  const closed = once(stream, "close");
  const observed = { headers: {}, trailers: {} };
  const body: Buffer[] = [];
  stream.on("response", (given) => {
    observed.headers = comparable(given);
  });
  stream.on("trailers", (given) => {
    observed.trailers = comparable(given);
  });
  // A request that was left open ends with its answer.
  stream.on("end", () => setImmediate(() => stream.close()));
  stream.on("data", (chunk: Buffer) => body.push(chunk));
  stream.on("error", () => undefined);
  for (const chunk of chunks) {
    if (stream.writable) stream.write(chunk);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  if (end !== false) stream.end();
  if (cancelAfterMs !== undefined) {
    setTimeout(() => stream.close(http2.constants.NGHTTP2_CANCEL), cancelAfterMs);
  }
  await closed;
  session.destroy();
  return {
    ...observed,
    body: Buffer.concat(body).toString("hex"),
    resetCode: stream.rstCode,
  } satisfies Observed;
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

function comparable(headers: http2.IncomingHttpHeaders): Record<string, unknown> {
  const { date: _, "grpc-status-details-bin": details, ...rest } = headers;
  if (typeof details !== "string") return { ...rest };
  const text = Buffer.from(details, "base64").toString("latin1").replace(UUID, "UUID");
  return { ...rest, details: text };
}

/** One gRPC envelope. */
export function envelope(message: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}

export const gzipped = (message: Uint8Array): Buffer => gzipSync(message);
