import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { expect } from "chai";
import { ActivationService } from "#gen/worldservice/v1/activation_service_pb.ts";
import { AllocationService } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { AuditService } from "#gen/worldservice/v1/audit_service_pb.ts";
import {
  type Execution,
  ExecutionResolution,
  ExecutionService,
  LegState,
} from "#gen/worldservice/v1/execution_service_pb.ts";
import { ExecutionStatus } from "#gen/worldservice/v1/order_pb.ts";
import { RebalanceService } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { reasonOf } from "../../../src/rpc/errors.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { allFilled, type ScriptedExecutor, scriptedExecutor, statusOf } from "./scripted-executor.ts";

const UNKNOWN = () => ({ kind: "unknown", message: "no answer in time" }) as const;
const WORLD = "alpha";
const POSITIONS = [
  { worldId: WORLD, strategyId: "s", symbol: "A", qty: 4, mark: 10 },
  { worldId: WORLD, strategyId: "s", symbol: "B", qty: 8, mark: 10 },
];
const REBALANCE = {
  totalEquity: 1_000,
  worldAllocBefore: { [WORLD]: 0.5 },
  worldAllocAfter: { [WORLD]: 0 },
  positions: POSITIONS,
};

interface Bench {
  readonly executor: ScriptedExecutor;
  readonly server: TestServer;
  execute(runId?: string): Promise<unknown>;
  /** The reason `execute` is refused with. */
  refusal(runId?: string): Promise<string>;
  execution(runId?: string): Promise<Execution>;
}

async function open(
  abilities: ScriptedExecutor["abilities"],
  replacements: Parameters<typeof startServer>[1] = {},
): Promise<Bench> {
  const executor = scriptedExecutor(abilities);
  const server = await startServer({}, { executor, ...replacements });
  const rebalances = createClient(RebalanceService, server.transport);
  const executions = createClient(ExecutionService, server.transport);
  const execute = (runId = "r") => rebalances.executeRebalance({ runId, rebalance: REBALANCE, submit: true });
  return {
    executor,
    server,
    execute,
    async refusal(runId) {
      const error = await execute(runId).then(
        () => undefined,
        (refused: unknown) => ConnectError.from(refused),
      );
      return error === undefined ? "answered" : (reasonOf(error) ?? Code[error.code] ?? "");
    },
    async execution(runId = "r") {
      const { execution } = await executions.getExecution({ runId });
      if (execution === undefined) throw new Error("no execution");
      return execution;
    },
  };
}

const states = ({ legs }: Execution) => legs.map(({ state }) => state);
const attempts = ({ legs }: Execution) => legs.map((leg) => leg.attempts);

/** Recovery looks once a second. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200 && !(await holds()); tries++) await sleep(50);
}

describe("an execution", () => {
  let bench: Bench;
  afterEach(() => bench.server.stop());

  it("has its intent on record before the executor hears of it", async () => {
    bench = await open({});
    let seen: Execution | undefined;
    bench.executor.script.push(async (submission) => {
      seen = await bench.execution();
      return allFilled(submission);
    });
    await bench.execute();
    expect(seen?.status).to.equal(ExecutionStatus.INTENT);
    expect(seen && attempts(seen)).to.deep.equal([1, 1]);
    const done = await bench.execution();
    expect([done.status, states(done)]).to.deep.equal([
      ExecutionStatus.DONE,
      [LegState.FILLED, LegState.FILLED],
    ]);
  });

  it("is one submission for any number of equal calls at once", async () => {
    bench = await open({});
    const answers = await Promise.all(Array.from({ length: 20 }, () => bench.execute()));
    for (const answer of answers) expect(answer).to.deep.equal(answers[0]);
    expect(bench.executor.submissions).to.have.lengthOf(1);
  });

  it("is sent again within the call where the executor recognises repeats, under the same names", async () => {
    bench = await open({ idempotentSubmit: true });
    bench.executor.script.push(UNKNOWN, UNKNOWN);
    await bench.execute();
    const names = bench.executor.submissions.map(({ orders }) =>
      orders.map(({ order }) => order.clientOrderId),
    );
    expect(names).to.deep.equal([names[0], names[0], names[0]]);
    expect(attempts(await bench.execution())).to.deep.equal([3, 3]);
  });

  it("is in doubt after a time-out where nobody can tell, and is never sent again", async () => {
    bench = await open({});
    bench.executor.script.push(UNKNOWN);
    expect(await bench.refusal()).to.equal("EXECUTION_IN_DOUBT");
    expect(await bench.refusal(), "the same call again").to.equal("EXECUTION_IN_DOUBT");
    await sleep(1_500); // recovery had its chance
    expect(bench.executor.submissions).to.have.lengthOf(1);
    const doubted = await bench.execution();
    expect([doubted.status, doubted.inDoubtCount]).to.deep.equal([ExecutionStatus.IN_DOUBT, 2]);
  });

  it("is found again by look-up, however late the executor took the orders", async () => {
    bench = await open({ lookup: true });
    bench.executor.script.push(UNKNOWN);
    bench.executor.lookUps = (ids) => ids.map((id) => statusOf(id, "NOT_FOUND"));
    expect(await bench.refusal()).to.equal("EXECUTION_IN_DOUBT");
    bench.executor.lookUps = (ids) => ids.map((id) => statusOf(id, "FILLED"));
    await until(async () => (await bench.execution()).status === ExecutionStatus.DONE);
    expect((await bench.execution()).status).to.equal(ExecutionStatus.DONE);
    expect(bench.executor.submissions, "nothing was sent again").to.have.lengthOf(1);
    expect(await bench.refusal(), "the call is answered now").to.equal("answered");
  });

  it("follows orders that work until they are final", async () => {
    bench = await open({ lookup: true });
    bench.executor.script.push(({ orders }) => ({
      kind: "answered",
      statuses: orders.map(({ order }) => statusOf(order.clientOrderId, "ACCEPTED")),
    }));
    bench.executor.lookUps = (ids) =>
      ids.map((id, i) => statusOf(id, i === 0 ? "PARTIALLY_FILLED" : "FILLED", i === 0 ? 1 : 0));
    await bench.execute();
    expect((await bench.execution()).status).to.equal(ExecutionStatus.SUBMITTED);
    await until(async () => states(await bench.execution()).includes(LegState.FILLED));
    expect(states(await bench.execution())).to.include(LegState.PARTIALLY_FILLED);
    bench.executor.lookUps = (ids) => ids.map((id) => statusOf(id, "CANCELLED", 1));
    await until(async () => (await bench.execution()).status === ExecutionStatus.FAILED);
    expect((await bench.execution()).status).to.equal(ExecutionStatus.FAILED);
  });

  it("waits and repeats where the executor says that it took nothing", async () => {
    bench = await open({});
    bench.executor.script.push(() => ({ kind: "busy", retryAfterMs: 10, message: "full" }));
    await bench.execute();
    expect(attempts(await bench.execution())).to.deep.equal([2, 2]);
    expect((await bench.execution()).status).to.equal(ExecutionStatus.DONE);
  });

  it("does not believe a busy executor about an attempt before", async () => {
    bench = await open({ idempotentSubmit: true });
    const busy = () => ({ kind: "busy", retryAfterMs: 10, message: "full" }) as const;
    bench.executor.script.push(UNKNOWN, busy);
    await bench.refusal();
    expect((await bench.execution()).status).to.not.equal(ExecutionStatus.FAILED);
    await until(async () => (await bench.execution()).status === ExecutionStatus.DONE);
    expect((await bench.execution()).status).to.equal(ExecutionStatus.DONE);
  });

  it("fails where the executor refuses, and everybody can see it (D-08)", async () => {
    bench = await open({});
    bench.executor.script.push(() => ({ kind: "refused", message: "no such account" }));
    const allocations = createClient(AllocationService, bench.server.transport);
    const call = {
      runId: "u",
      totalEquity: 1_000,
      worldAllocations: { [WORLD]: 0 },
      positions: POSITIONS,
      execute: true,
    };
    const first = await allocations.upsertAllocations(call);
    expect([first.executed, first.executionStatus]).to.deep.equal([false, ExecutionStatus.FAILED]);
    const again = await allocations.upsertAllocations(call);
    expect([again.replayed, again.executionStatus]).to.deep.equal([true, ExecutionStatus.FAILED]);
    const run = await allocations.getAllocationRun({ runId: "u" });
    expect(run.executionStatus).to.equal(ExecutionStatus.FAILED);
    const { legs } = await bench.execution("u");
    expect(legs.map(({ state, message }) => [state, message])).to.deep.equal([
      [LegState.REJECTED, "no such account"],
      [LegState.REJECTED, "no such account"],
    ]);
    expect(bench.executor.submissions).to.have.lengthOf(1);
  });

  it("believes of an answer only what can be true, order by order", async () => {
    bench = await open({});
    bench.executor.script.push(({ orders }) => ({
      kind: "answered",
      statuses: [
        statusOf("a-stranger", "FILLED"),
        statusOf(orders[0]?.order.clientOrderId ?? "", "FILLED", 1e9),
        statusOf(orders[1]?.order.clientOrderId ?? "", "FILLED"),
      ],
    }));
    expect(await bench.refusal()).to.equal("EXECUTION_IN_DOUBT");
    expect(states(await bench.execution())).to.deep.equal([LegState.IN_DOUBT, LegState.FILLED]);
  });

  it("stops for a newer driver", async () => {
    bench = await open({ lookup: true });
    bench.executor.script.push(() => ({ kind: "fenced" }));
    expect(await bench.refusal()).to.equal("EXECUTION_IN_DOUBT");
    expect(bench.executor.submissions.map(({ fence }) => fence)).to.deep.equal([1]);
  });

  it("is not begun while the executor is gone, and nothing is written", async () => {
    bench = await open({});
    bench.executor.isGone = true;
    expect(await bench.refusal()).to.equal("EXECUTOR_UNAVAILABLE");
    const executions = createClient(ExecutionService, bench.server.transport);
    expect((await executions.listExecutions({})).executions).to.deep.equal([]);
    bench.executor.isGone = false;
    expect(await bench.refusal()).to.equal("answered");
    bench.executor.isGone = true;
    expect(await bench.refusal(), "what is done needs no executor").to.equal("answered");
  });

  it("sends nothing for a world that was frozen after the plan was recorded", async () => {
    let server: TestServer | undefined;
    bench = await open(
      {},
      {
        async observeStage(stage, moment) {
          if (stage !== "execute" || moment !== "begin" || server === undefined) return;
          const activation = createClient(ActivationService, server.transport);
          await activation.freezeWorld({ worldId: WORLD, runId: "freeze", reason: "test" });
        },
      },
    );
    server = bench.server;
    expect(await bench.refusal()).to.equal("answered");
    expect(bench.executor.submissions).to.deep.equal([]);
    const { status, legs } = await bench.execution();
    expect(status).to.equal(ExecutionStatus.FAILED);
    expect(legs.map(({ state, message }) => [state, message.split(":")[0]])).to.deep.equal([
      [LegState.CANCELLED, "WORLD_FROZEN"],
      [LegState.CANCELLED, "WORLD_FROZEN"],
    ]);
    expect(await bench.refusal("another"), "a frozen world begins nothing").to.equal("WORLD_FROZEN");
  });
});

describe("ResolveExecution", () => {
  let bench: Bench;
  let ids: string[];
  const { EXECUTED, NOT_EXECUTED } = ExecutionResolution;

  beforeEach(async () => {
    bench = await open({});
    bench.executor.script.push(UNKNOWN);
    await bench.refusal();
    ids = (await bench.execution()).legs.map(({ clientOrderId }) => clientOrderId);
  });
  afterEach(() => bench.server.stop());

  function resolve(changes: {
    runId?: string;
    clientOrderId?: string;
    resolution?: number;
    fills?: { quantity: number; price: number }[];
  }) {
    const client = createClient(ExecutionService, bench.server.transport);
    const request = {
      runId: "r",
      clientOrderId: ids[0] ?? "",
      resolution: EXECUTED,
      reason: "seen at the venue",
    };
    return client.resolveExecution({ ...request, ...changes } as Parameters<
      typeof client.resolveExecution
    >[0]);
  }

  const refusalOf = (call: Promise<unknown>) =>
    call.then(
      () => "answered",
      (error: unknown) => reasonOf(ConnectError.from(error)),
    );

  it("ends a doubt leg by leg, with who decided what in the audit log", async () => {
    await resolve({});
    expect((await bench.execution()).status).to.equal(ExecutionStatus.IN_DOUBT);
    const { execution } = await resolve({ clientOrderId: ids[1] ?? "", resolution: NOT_EXECUTED });
    expect(execution?.status).to.equal(ExecutionStatus.FAILED);
    expect(execution && states(execution)).to.deep.equal([LegState.FILLED, LegState.CANCELLED]);
    const { entries } = await createClient(AuditService, bench.server.transport).listAuditEntries({
      worldId: WORLD,
    });
    const decided = entries.filter(({ action }) => action === "execution_resolved");
    expect(decided.map(({ details }) => details)).to.deep.equal([
      { client_order_id: ids[0], resolution: "EXECUTED", reason: "seen at the venue" },
      { client_order_id: ids[1], resolution: "NOT_EXECUTED", reason: "seen at the venue" },
    ]);
    expect(bench.executor.submissions, "nothing is ever sent again").to.have.lengthOf(1);
  });

  it("changes nothing the second time, and refuses another answer", async () => {
    const first = await resolve({ fills: [{ quantity: 1, price: 10 }] });
    expect(await resolve({ fills: [{ quantity: 1, price: 10 }] })).to.deep.equal(first);
    expect(await refusalOf(resolve({ resolution: NOT_EXECUTED }))).to.equal("INVALID_FIELD");
  });

  it("refuses fills beyond the order, fills of nothing executed, and orders it does not know", async () => {
    expect(await refusalOf(resolve({ fills: [{ quantity: 1e6, price: 1 }] }))).to.equal("INVALID_FIELD");
    const fills = [{ quantity: 1, price: 1 }];
    expect(await refusalOf(resolve({ resolution: NOT_EXECUTED, fills }))).to.equal("INVALID_FIELD");
    expect(await refusalOf(resolve({ resolution: 0 }))).to.equal("INVALID_FIELD");
    expect(await refusalOf(resolve({ clientOrderId: "unknown" }))).to.equal("RUN_NOT_FOUND");
    expect(await refusalOf(resolve({ runId: "unknown" }))).to.equal("RUN_NOT_FOUND");
  });
});
