import { invalidFields } from "../../domain/errors.ts";
import type { Execution } from "../../domain/orders/execution.ts";
import type { Negotiated } from "../../domain/rebalance/negotiation.ts";
import type { ExecutedRun, StoredRunRecord } from "../../domain/runs/types.ts";
import { toStored } from "../../domain/stored-json.ts";
import type { Acquired } from "../../ports/lock-manager.ts";
import type { CommitRequest } from "../../ports/store.ts";
import { rebalanceEtag } from "../apply-rebalance/apply-rebalance.ts";
import { planRebalanceCall, type RebalanceCall } from "../plan-rebalance/plan-rebalance.ts";
import { effectOf, runIdReused } from "../shared/commit-outcome.ts";
import type { CallOptions, WriteDeps } from "../shared/deps.ts";
import { runKey, stored } from "../shared/keys.ts";
import { stagesOf } from "../shared/stages.ts";
import { gateExpectations, gateKeys } from "../shared/world-gates.ts";
import { drive } from "./drive.ts";
import { assertNotInDoubt } from "./execute-planned.ts";
import { type OrderAnswer, type OrderWishes, ordersOfPlan, type PreparedOrders } from "./orders-of-plan.ts";
import { plannedExecution } from "./planned-execution.ts";
import {
  answerKey,
  executionKey,
  executionLock,
  executionWrites,
  legsKey,
  storedExecution,
} from "./records.ts";
import { assertMayTrade } from "./trading-gates.ts";

/** One ExecuteRebalance call, whichever package carried it. */
export interface ExecuteCall {
  /** May be empty without `submit`. */
  readonly runId: string;
  readonly rebalance: RebalanceCall;
  readonly submit: boolean;
  readonly perStrategy: boolean;
  readonly sharedAccount: boolean;
  readonly allowLive: boolean;
}

export interface ExecuteOutcome {
  readonly negotiated: Negotiated;
  readonly orders: OrderAnswer;
  /** undefined where nothing was submitted. */
  readonly execution: Execution | undefined;
}

/**
 * Turns a plan into executable orders and, with `submit`, hands them to the executor under the run's own lock. Calling
 * it again with the same run and request is safe on any replica and after any crash: an order is never placed twice.
 * With the run id and request of an applied run it executes the plan that was fixed.
 *
 * @throws DomainError those of planning and of `ordersOfPlan`; with `submit` also RUN_ID_REUSED,
 *   EXECUTOR_NOT_CONFIGURED, EXECUTOR_UNAVAILABLE, those of `assertMayTrade` (nothing was written, nothing left the
 *   service), LOCK_TIMEOUT, LOCK_LOST, STORE_UNAVAILABLE and EXECUTION_IN_DOUBT.
 */
export async function executeRebalance(
  deps: WriteDeps,
  call: ExecuteCall,
  options: CallOptions,
): Promise<ExecuteOutcome> {
  const { negotiated, plan } = planRebalanceCall(deps.gates, call.rebalance);
  const wishes: OrderWishes = {
    ...call,
    plan,
    input: call.rebalance.input,
    mode: call.rebalance.mode,
    constraints: call.rebalance.constraints,
    constraintsPath: `${call.rebalance.path}.constraints`,
  };
  const prepared = ordersOfPlan(deps.execution, wishes);
  if (!call.submit) return { negotiated, orders: prepared.answer, execution: undefined };
  assertNamed(call);
  const atStage = stagesOf(deps, options);
  const acquired = await atStage("acquire", () => acquire(deps, call, options));
  try {
    const run = { ...runOf(call, negotiated, deps.clock.now()), plan };
    const started = await atStage("compute_and_save", () => start({ deps, acquired, run, wishes, prepared }));
    const execution = await atStage("execute", () => drive(deps, acquired.lease, started.execution));
    assertNotInDoubt(execution);
    return { negotiated, orders: started.answer, execution };
  } finally {
    await acquired.lease.release();
  }
}

function assertNamed({ runId }: ExecuteCall): void {
  if (runId === "") throw invalidFields([{ field: "run_id", description: "is required with submit" }]);
}

function acquire({ locks }: WriteDeps, { runId }: ExecuteCall, options: CallOptions): Promise<Acquired> {
  const keys = [runKey(runId), executionKey(runId), legsKey(runId), answerKey(runId)];
  return locks.acquire([executionLock(runId)], { ...options, read: { keys } });
}

function runOf(call: ExecuteCall, negotiated: Negotiated, nowMs: number): Omit<ExecutedRun, "plan"> {
  const { rebalance, perStrategy, sharedAccount, allowLive } = call;
  const etag = rebalanceEtag(rebalance);
  const flags = [perStrategy, sharedAccount, allowLive].map(Number).join("");
  return {
    runId: call.runId,
    rpc: "ExecuteRebalance",
    rules: rebalance.rules,
    fingerprint: `${rebalance.rules}.ExecuteRebalance.${flags}:${etag}`,
    etag,
    requestedVersion: rebalance.requestedVersion,
    negotiated,
    input: rebalance.input,
    mode: rebalance.mode,
    positionSource: rebalance.positionSource,
    constraints: rebalance.constraints,
    intent: negotiated.schemaVersion === 2 ? rebalance.intent : undefined,
    alphaSeries: [],
    alphaMetrics: undefined,
    executionStatus: "NOT_REQUESTED",
    perStrategy,
    sharedAccount,
    allowLive,
    createdAtMs: nowMs,
  };
}

/** What a start needs: the run as it was asked for, and what stands under its id already. */
interface Starting {
  readonly deps: WriteDeps;
  readonly acquired: Acquired;
  readonly run: ExecutedRun;
  readonly wishes: OrderWishes;
  readonly prepared: PreparedOrders;
}

interface Started {
  readonly execution: Execution;
  readonly answer: OrderAnswer;
}

/** The stored execution of this very request, or a new one that nothing has left of yet. */
async function start(starting: Starting): Promise<Started> {
  const { acquired, run } = starting;
  const [runDoc, header, legs, answer] = acquired.context.docs;
  const execution = storedExecution(header, legs);
  if (execution !== undefined) {
    if (execution.header.fingerprint !== run.fingerprint) throw runIdReused(run.runId);
    return { execution, answer: stored<OrderAnswer>(answer) ?? starting.prepared.answer };
  }
  const earlier = stored<StoredRunRecord>(runDoc);
  if (earlier === undefined) return begin(starting, starting.prepared, true);
  return begin(starting, ordersAsApplied(starting, earlier), false);
}

/** What was approved is executed, as it was fixed. */
function ordersAsApplied({ deps, run, wishes }: Starting, earlier: StoredRunRecord): PreparedOrders {
  if (!isApplied(earlier, run)) throw runIdReused(run.runId);
  return ordersOfPlan(deps.execution, { ...wishes, plan: earlier.plan });
}

/** Whether the run was fixed by ApplyRebalance of the same package with the same request. */
function isApplied(earlier: StoredRunRecord, { rules, etag }: ExecutedRun): boolean {
  return earlier.fingerprint === `${rules}.ApplyRebalance:${etag}`;
}

/** Records the execution, on the worlds as they are. Before it nothing is written; after it, recovery finishes it. */
async function begin(
  { deps, acquired, run }: Starting,
  prepared: PreparedOrders,
  isNew: boolean,
): Promise<Started> {
  const { execution: executionDeps, store, clock } = deps;
  await executionDeps.executor.capabilities();
  const facts = { fingerprint: run.fingerprint, allowLive: run.allowLive };
  const execution = plannedExecution(executionDeps, run, facts, prepared, clock.now());
  for (;;) {
    const { docs } = await store.read({ keys: gateKeys(prepared.worldIds) });
    assertMayTrade(execution.header, docs);
    const expect = gateExpectations(prepared.worldIds, docs);
    const outcome = await store.commit(commitOf({ acquired, run, execution, prepared, isNew, expect }));
    if (outcome.kind === "stale") continue;
    effectOf(outcome, run.runId);
    return { execution, answer: prepared.answer };
  }
}

interface Beginning extends Pick<Starting, "acquired" | "run"> {
  readonly execution: Execution;
  readonly prepared: PreparedOrders;
  readonly isNew: boolean;
  readonly expect: NonNullable<CommitRequest["expect"]>;
}

function commitOf({ acquired, run, execution, prepared, isNew, expect }: Beginning): CommitRequest {
  const { puts, events, audit } = executionWrites(execution, execution.legs.length > 0);
  const claim = { runId: run.runId, fingerprint: run.fingerprint };
  const own = { key: runKey(run.runId), body: toStored(run) };
  return {
    lease: acquired.lease,
    expect: [...expect, { key: executionKey(run.runId), version: 0 }],
    puts: [...puts, { key: answerKey(run.runId), body: toStored(prepared.answer) }, ...(isNew ? [own] : [])],
    events,
    audit,
    ...(isNew ? { claim } : {}),
  };
}
