import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { expect } from "chai";
import { ExecutionService } from "#gen/worldservice/v1/execution_service_pb.ts";
import { ExecutionStatus } from "#gen/worldservice/v1/order_pb.ts";
import { RebalanceService } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { redisUrl } from "../../support/redis.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { type allFilled, type ScriptedExecutor, scriptedExecutor } from "./scripted-executor.ts";

const REBALANCE = {
  totalEquity: 1_000,
  worldAllocBefore: { alpha: 0.5 },
  worldAllocAfter: { alpha: 0 },
  positions: [{ worldId: "alpha", strategyId: "s", symbol: "A", qty: 4, mark: 10 }],
};

function replica(book: string, executor: ScriptedExecutor): Promise<TestServer> {
  return startServer(
    { store: redisUrl(), book, lock_ttl: "500ms", allow_degraded_durability: true },
    { executor },
  );
}

function execute({ transport }: TestServer, runId: string) {
  const request = { runId, rebalance: REBALANCE, submit: true };
  return createClient(RebalanceService, transport).executeRebalance(request);
}

describe("an execution on two replicas of one book", () => {
  it("is one submission for equal calls to both", async () => {
    const executor = scriptedExecutor();
    const book = `exec-${randomUUID().slice(0, 8)}`;
    const replicas = await Promise.all([replica(book, executor), replica(book, executor)]);
    const calls = Array.from({ length: 10 }, (_, i) => execute(replicas[i % 2] as TestServer, "r"));
    const answers = await Promise.all(calls);
    for (const answer of answers) expect(answer).to.deep.equal(answers[0]);
    expect(executor.submissions).to.have.lengthOf(1);
    await Promise.all(replicas.map((each) => each.stop()));
  });

  it("is finished by the one that lives, with a higher fence and the same names", async () => {
    const book = `exec-${randomUUID().slice(0, 8)}`;
    const stuck = scriptedExecutor({ idempotentSubmit: true });
    const never = Promise.withResolvers<ReturnType<typeof allFilled>>();
    stuck.script.push(() => never.promise);
    const dying = await replica(book, stuck);
    const lost = execute(dying, "r").catch(() => undefined);
    while (stuck.submissions.length === 0) await sleep(10);
    await dying.server.opened.close(); // cut off from the book, as a process that is gone
    const healthy = scriptedExecutor({ idempotentSubmit: true });
    const living = await replica(book, healthy);
    const executions = createClient(ExecutionService, living.transport);
    const statusNow = async () => (await executions.getExecution({ runId: "r" })).execution?.status;
    for (let tries = 0; tries < 200 && (await statusNow()) !== ExecutionStatus.DONE; tries++) await sleep(50);
    expect(await statusNow()).to.equal(ExecutionStatus.DONE);
    const [first, second] = [stuck.submissions[0], healthy.submissions[0]];
    expect(JSON.stringify(second?.orders)).to.equal(JSON.stringify(first?.orders));
    expect(second?.fence).to.be.greaterThan(first?.fence ?? Number.NaN);
    never.resolve({ kind: "unknown", message: "too late" });
    await lost;
    await living.stop();
    await dying.stop().catch(() => undefined);
  });
});
