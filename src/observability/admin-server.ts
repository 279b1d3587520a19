import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Metrics } from "./metrics.ts";

/** Whether the server should get calls now, and why not. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string };

export interface AdminOptions {
  readonly metrics: Metrics;
  /** Asked at most once at a time, whatever number of probes come. */
  readonly readiness: () => Promise<Readiness>;
}

/** The port of operators: `/metrics`, `/healthz`, `/readyz`. It tells nothing of the book but numbers. */
export interface AdminServer {
  /** Port 0 takes a free one. */
  listen(host: string, port: number): Promise<{ address: string; port: number }>;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
}

const ANSWER_LIMIT_MS = 5_000;

export function createAdminServer({ metrics, readiness }: AdminOptions): AdminServer {
  const ask = joined(readiness);
  const pages: ReadonlyMap<string, () => Promise<Answer>> = new Map([
    ["/metrics", async () => ({ status: 200, body: await metrics.text(), contentType: metrics.contentType })],
    ["/healthz", async () => ({ status: 200, body: "ok\n" })],
    ["/readyz", async () => readyAnswer(await ask())],
  ]);

  async function answer(request: IncomingMessage): Promise<Answer> {
    if (request.method !== "GET" && request.method !== "HEAD") return { status: 405, body: "GET or HEAD\n" };
    const page = pages.get((request.url ?? "").split("?", 1)[0] ?? "");
    return page === undefined ? { status: 404, body: "not found\n" } : page();
  }

  const server: Server = createServer(
    { headersTimeout: ANSWER_LIMIT_MS, requestTimeout: ANSWER_LIMIT_MS, maxHeaderSize: 8192 },
    (request, response) => {
      answer(request).then(
        (found) => send(request, response, found),
        () => send(request, response, { status: 500, body: "internal error\n" }),
      );
    },
  );
  server.maxConnections = 100;

  return {
    async listen(host, port) {
      server.listen({ host, port });
      await once(server, "listening");
      const { address, port: actual } = server.address() as AddressInfo;
      return { address, port: actual };
    },
    async close() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function readyAnswer(readiness: Readiness): Answer {
  return readiness.ready ? { status: 200, body: "ready\n" } : { status: 503, body: `${readiness.reason}\n` };
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, body, contentType }: Answer,
): void {
  response.writeHead(status, {
    "content-type": contentType ?? "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** Callers who come while the question is being asked share its answer. */
function joined<T>(ask: () => Promise<T>): () => Promise<T> {
  let asking: Promise<T> | undefined;
  return () => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}
