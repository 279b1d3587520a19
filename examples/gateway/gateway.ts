/**
 * A reference Gateway: everything a system in front of worldservice needs, in one small process.
 *
 * - `GET /health` tells what the service can do, as negotiated, and how the feed is.
 * - `POST /rebalancing/plan` and `POST /rebalancing/execute` (`?submit=true`, `per_strategy`, `shared_account`, `run_id`;
 *   header `X-Allow-Live: true`) take a RebalanceRequest in proto JSON and answer in proto JSON.
 * - It is the service's executor, over gRPC on a port of its own.
 * - It follows the feed and acknowledges the freezes that wait for it.
 */
import {
  createServer as createHttp,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createHttp2 } from "node:http2";
import type { AddressInfo } from "node:net";
import type { JsonObject } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { Order } from "#gen/worldservice/v1/order_pb.ts";
import { RebalanceExecutorService } from "#gen/worldservice/v1/rebalance_executor_service_pb.ts";
import { ErrorInfoSchema } from "#thirdparty/google/rpc/error_details_pb.ts";
import { type Feed, followFeed } from "./feed.ts";
import { createOrderDesk, type OrderDesk } from "./order-desk.ts";
import { createWorlds, type ExecuteFlags, type Worlds } from "./worlds.ts";

const HOST = "127.0.0.1";

export interface Gateway {
  /** Where the service finds its executor: the setting `executor` is `grpc:` and this. */
  readonly executorAddress: string;
  readonly desk: OrderDesk;
  /** Connects to the service, negotiates, follows its feed and opens the HTTP API. Gives the API's base URL. */
  connect(serviceAddress: string): Promise<string>;
  readonly feed: () => Feed | undefined;
  close(): Promise<void>;
}

/**
 * Starts the executor side, which the service may call at once.
 *
 * @param name under which freezes are acknowledged.
 */
export async function startGateway(name: string, priceOf: (order: Order) => number): Promise<Gateway> {
  const desk = createOrderDesk(priceOf);
  const executor = createHttp2(
    connectNodeAdapter({ routes: (router) => router.service(RebalanceExecutorService, desk.service) }),
  );
  const sessions = new Set<{ destroy(): void }>();
  executor.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  const executorPort = await listen(executor);
  let api: Server | undefined;
  let feed: Feed | undefined;
  let session: Http2SessionManager | undefined;

  return {
    executorAddress: `${HOST}:${executorPort}`,
    desk,
    feed: () => feed,
    async connect(serviceAddress) {
      const baseUrl = `http://${serviceAddress}`;
      session = new Http2SessionManager(baseUrl);
      const transport = createGrpcTransport({ baseUrl, sessionManager: session });
      const worlds = createWorlds(transport);
      await worlds.negotiate();
      feed = followFeed(transport, worlds, name);
      api = createHttp(apiHandler(worlds, feed));
      return `http://${HOST}:${await listen(api)}`;
    },
    async close() {
      await feed?.stop();
      session?.abort();
      api?.close();
      api?.closeAllConnections();
      for (const open of sessions) open.destroy();
      executor.close();
    },
  };
}

async function listen(server: {
  listen(port: number, host: string, done: () => void): unknown;
  address(): unknown;
}) {
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return (server.address() as AddressInfo).port;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

function apiHandler(worlds: Worlds, feed: Feed) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    answer(worlds, feed, request)
      .catch(refusal)
      .then(({ status, body }) => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      });
  };
}

async function answer(worlds: Worlds, feed: Feed, request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? "/", "http://gateway");
  switch (`${request.method} ${url.pathname}`) {
    case "GET /health":
      return { status: 200, body: await health(worlds, feed) };
    case "POST /rebalancing/plan":
      return { status: 200, body: await worlds.plan(await bodyOf(request)) };
    case "POST /rebalancing/execute":
      return { status: 200, body: await worlds.execute(await bodyOf(request), flagsOf(url, request)) };
    default:
      return { status: 404, body: { reason: "NOT_FOUND" } };
  }
}

/** The flags of the deployment, so that whoever asks the Gateway knows what it may ask of it. */
async function health(worlds: Worlds, feed: Feed) {
  const told = await worlds.negotiate();
  const { connected, events, acknowledged, meta } = feed.state();
  return {
    status: "ok",
    rebalance_schema_version: told.rebalanceSchemaVersion,
    alpha_metrics_capable: told.alphaMetricsCapable,
    compat_rebalance_v2: told.compatRebalanceV2,
    alpha_metrics_required: told.alphaMetricsRequired,
    feed: {
      connected,
      acknowledged,
      compat_rebalance_v2: meta?.compatRebalanceV2,
      events: Object.fromEntries(events),
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<JsonObject> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString("utf8")) as JsonObject;
}

function flagsOf({ searchParams }: URL, { headers }: IncomingMessage): ExecuteFlags {
  const isSet = (name: string) => ["1", "true", "yes", "on"].includes(searchParams.get(name) ?? "");
  return {
    runId: searchParams.get("run_id") ?? "",
    submit: isSet("submit"),
    perStrategy: isSet("per_strategy"),
    sharedAccount: isSet("shared_account"),
    allowLive: headers["x-allow-live"] === "true",
  };
}

const HTTP_BY_CODE: ReadonlyMap<Code, number> = new Map([
  [Code.InvalidArgument, 400],
  [Code.NotFound, 404],
  [Code.AlreadyExists, 409],
  [Code.Aborted, 409],
  [Code.FailedPrecondition, 422],
  [Code.ResourceExhausted, 429],
  [Code.Unavailable, 503],
]);

/** What the service refused, with its own reason; anything else is this Gateway's fault. */
function refusal(error: unknown): Answer {
  if (!(error instanceof ConnectError))
    return { status: 400, body: { reason: "MALFORMED", message: String(error) } };
  const [info] = error.findDetails(ErrorInfoSchema);
  const body = {
    reason: info?.reason ?? Code[error.code],
    message: error.rawMessage,
    metadata: info?.metadata ?? {},
  };
  return { status: HTTP_BY_CODE.get(error.code) ?? 500, body };
}
