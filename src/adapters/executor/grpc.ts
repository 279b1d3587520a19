import { DomainError } from "../../domain/errors.ts";
import type { Executor, ExecutorCapabilities } from "../../ports/executor.ts";
import type { GatewayCalls } from "./gateway-calls.ts";

/** Where a Gateway listens, and how it is spoken to. */
export interface GrpcExecutorOptions {
  readonly host: string;
  readonly port: number;
  /** Path of a PEM file; undefined = the connection is not encrypted. */
  readonly tlsCa: string | undefined;
  /** Deadline of one submission, in milliseconds. */
  readonly submitTimeoutMs?: number;
  /** Deadline of every other call, in milliseconds. */
  readonly askTimeoutMs?: number;
}

const SUBMIT_TIMEOUT_MS = 6_000;
const ASK_TIMEOUT_MS = 3_000;
const RETRY_AFTER_MS = 500;
/** One look-up may name so many orders. */
const MAX_LOOKED_UP = 10_000;

/**
 * A Gateway that serves `RebalanceExecutorService`. The library behind it is loaded with the first call. What it can do
 * is asked once per connection.
 */
export function grpcExecutor(options: GrpcExecutorOptions): Executor {
  const { submitTimeoutMs = SUBMIT_TIMEOUT_MS, askTimeoutMs = ASK_TIMEOUT_MS } = options;
  let opening: Promise<GatewayCalls> | undefined;
  let known: ExecutorCapabilities | undefined;

  function gateway(): Promise<GatewayCalls> {
    opening ??= import("./gateway-calls.ts").then(({ openGateway }) => openGateway(options));
    opening.catch(() => {
      opening = undefined; // the certificate may be there the next time
    });
    return opening;
  }

  async function ask(): Promise<ExecutorCapabilities> {
    try {
      const calls = await gateway();
      if (known === undefined || !calls.isConnected()) known = await calls.capabilities(askTimeoutMs);
      return known;
    } catch (error) {
      known = undefined;
      throw new DomainError("EXECUTOR_UNAVAILABLE", "the executor could not be reached; nothing was sent", {
        retryAfterMs: RETRY_AFTER_MS,
        cause: error,
      });
    }
  }

  return {
    kind: "grpc",
    capabilities: ask,
    async submit(submission) {
      const outcome = await (await gateway()).submit(submission, submitTimeoutMs);
      if (outcome.kind === "unknown") known = undefined;
      return outcome;
    },
    async lookUp(_runId, ids) {
      try {
        const calls = await gateway();
        const pages = Array.from({ length: Math.ceil(ids.length / MAX_LOOKED_UP) }, (_, page) =>
          ids.slice(page * MAX_LOOKED_UP, (page + 1) * MAX_LOOKED_UP),
        );
        const answers = await Promise.all(pages.map((page) => calls.lookUp(page, askTimeoutMs)));
        return answers.flat();
      } catch {
        return undefined; // whatever it was, nothing was learnt: the caller asks again later
      }
    },
    async close() {
      (await opening)?.close();
    },
  };
}
