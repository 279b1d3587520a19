import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { AllocationService } from "#gen/worldservice/v1/allocation_service_pb.ts";
import {
  type Execution,
  ExecutionResolution,
  ExecutionService,
  LegState,
} from "#gen/worldservice/v1/execution_service_pb.ts";
import { ExecutionStatus } from "#gen/worldservice/v1/order_pb.ts";
import { RebalanceService } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { reasonOf } from "../../../src/rpc/errors.ts";
import type { ExecutorLog } from "./judge.ts";
import type { Phoenix } from "./processes.ts";

/** Longest time for one run, kills and restarts included. */
const RUN_MS = 30_000;
const PAUSE_MS = 40;
const READ_AT_ONCE = 16;

/** A caller that sends the same call again until it has an answer, as the contract asks of callers. */
export interface RunClient {
  /** Drives a run to an answer: done, failed or in doubt. */
  drive(runId: string, asUpsert: boolean): Promise<void>;
  /** The executions once all of them are at rest, or as they are when the time is up. */
  rested(
    runIds: readonly string[],
    withinMs: number,
    areAtRest: (executions: readonly Execution[]) => boolean,
  ): Promise<Execution[]>;
  /** Ends every doubt as the executor's log says, as an operator would; the executions are final then. */
  resolveDoubts(executions: readonly Execution[], log: ExecutorLog): Promise<void>;
  close(): void;
}

export function runClient(service: Phoenix): RunClient {
  let session: { readonly port: number; readonly manager: Http2SessionManager } | undefined;

  async function transport() {
    const port = await service.port();
    const baseUrl = `http://127.0.0.1:${port}`;
    if (session?.port !== port) {
      session?.manager.abort();
      session = { port, manager: new Http2SessionManager(baseUrl) };
    }
    return createGrpcTransport({ baseUrl, sessionManager: session.manager, defaultTimeoutMs: 5_000 });
  }

  /** Sends a call again until it is answered for good. */
  async function persist<T>(call: () => Promise<T>): Promise<T | ConnectError> {
    const deadline = performance.now() + RUN_MS;
    for (;;) {
      try {
        return await call();
      } catch (error) {
        const refusal = ConnectError.from(error);
        if (isFinal(refusal) || performance.now() > deadline) return refusal;
        await sleep(PAUSE_MS);
      }
    }
  }

  async function executionOf(runId: string): Promise<Execution> {
    const answer = await persist(async () =>
      createClient(ExecutionService, await transport()).getExecution({ runId }),
    );
    if (answer instanceof Error || answer.execution === undefined) throw answer;
    return answer.execution;
  }

  /** A few at a time: a server that is busy with recovery refuses to be asked for everything at once. */
  async function executionsOf(runIds: readonly string[]): Promise<Execution[]> {
    const found: Execution[] = [];
    for (let from = 0; from < runIds.length; from += READ_AT_ONCE) {
      found.push(...(await Promise.all(runIds.slice(from, from + READ_AT_ONCE).map(executionOf))));
    }
    return found;
  }

  return {
    async drive(runId, asUpsert) {
      const positions = ["A", "B", "C"].map((symbol, i) => ({
        worldId: runId,
        strategyId: "s",
        symbol,
        qty: i + 1,
        mark: 10,
      }));
      const common = { totalEquity: 1000, positions };
      const answer = await persist<unknown>(async () => {
        if (asUpsert) {
          const client = createClient(AllocationService, await transport());
          return client.upsertAllocations({
            ...common,
            runId,
            worldAllocations: { [runId]: 0 },
            execute: true,
          });
        }
        const rebalance = { ...common, worldAllocBefore: { [runId]: 0.1 }, worldAllocAfter: { [runId]: 0 } };
        const client = createClient(RebalanceService, await transport());
        return client.executeRebalance({ runId, rebalance, submit: true });
      });
      if (answer instanceof ConnectError && reasonOf(answer) !== "EXECUTION_IN_DOUBT") throw answer;
    },
    async rested(runIds, withinMs, areAtRest) {
      const deadline = performance.now() + withinMs;
      for (;;) {
        const executions = await executionsOf(runIds);
        if (areAtRest(executions) || performance.now() > deadline) return executions;
        await sleep(200);
      }
    },
    async resolveDoubts(executions, { taken }) {
      for (const { runId, legs } of executions) {
        for (const { clientOrderId, state } of legs) {
          if (state !== LegState.IN_DOUBT) continue;
          const { EXECUTED, NOT_EXECUTED } = ExecutionResolution;
          const resolution = taken.has(clientOrderId) ? EXECUTED : NOT_EXECUTED;
          const request = { runId, clientOrderId, resolution, reason: "read in the venue's own log" };
          const answer = await persist(async () =>
            createClient(ExecutionService, await transport()).resolveExecution(request),
          );
          if (answer instanceof Error) throw answer;
        }
        const { status } = await executionOf(runId);
        if (status !== ExecutionStatus.DONE && status !== ExecutionStatus.FAILED) {
          throw new Error(`${runId} has status ${status} after all doubts were resolved`);
        }
      }
    },
    close: () => session?.manager.abort(),
  };
}

/** An answer that no repetition changes. */
function isFinal(error: ConnectError): boolean {
  if (reasonOf(error) === "EXECUTION_IN_DOUBT") return true;
  const passing = [
    Code.ResourceExhausted,
    Code.Unavailable,
    Code.Aborted,
    Code.DeadlineExceeded,
    Code.Canceled,
    Code.Internal,
  ];
  return !passing.includes(error.code);
}
