import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { expect } from "chai";
import { AllocationService } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { AuditService } from "#gen/worldservice/v1/audit_service_pb.ts";
import { RebalanceService } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { ErrorInfoSchema } from "#thirdparty/google/rpc/error_details_pb.ts";
import type { Stage } from "../../src/orchestration/shared/stages.ts";
import { startServer, type TestServer } from "../support/server.ts";

const WORLD = "alpha";
const UPSERT = { runId: "r", totalEquity: 1_000, worldAllocations: { [WORLD]: 0.5 } };
const REBALANCE = {
  totalEquity: 1_000,
  worldAllocBefore: { [WORLD]: 0.5 },
  worldAllocAfter: { [WORLD]: 0.25 },
  positions: [{ worldId: WORLD, strategyId: "s", symbol: "A", qty: 4, mark: 10 }],
};

/** What a caller learns of a refusal: code, reason, and the stage that did not begin. */
async function refusalOf(call: Promise<unknown>): Promise<unknown> {
  const error = await call.then(
    () => expect.fail("was answered"),
    (refused: unknown) => ConnectError.from(refused),
  );
  const { reason, metadata } = error.findDetails(ErrorInfoSchema)[0] ?? expect.fail("has no details");
  return { code: error.code, reason, stage: metadata.stage };
}

describe("the deadline of a call", () => {
  let server: TestServer;
  let aheadMs = 0;
  /** The stage after which a minute has gone by. */
  let slow: Stage | undefined;

  beforeEach(async () => {
    aheadMs = 0;
    slow = undefined;
    server = await startServer(
      { executor: "paper" },
      {
        clock: { now: () => Date.now(), monotonic: () => performance.now() + aheadMs },
        observeStage(stage, moment) {
          if (stage === slow && moment === "end") aheadMs += 60_000;
        },
      },
    );
  });

  afterEach(() => server.stop());

  const upsert = (request: object = UPSERT) =>
    createClient(AllocationService, server.transport).upsertAllocations({ ...UPSERT, ...request });
  const auditLines = async () =>
    (await createClient(AuditService, server.transport).listAuditEntries({ worldId: WORLD })).entries.map(
      ({ action }) => action,
    );
  const tooLate = (stage: Stage) => ({ code: Code.DeadlineExceeded, reason: "DEADLINE_EXCEEDED", stage });

  for (const [stage, next] of [
    ["acquire", "context"],
    ["context", "compute_and_save"],
  ] as const) {
    it(`that passes in ${stage} ends an upsert before ${next}: nothing is written, the worlds are free`, async () => {
      slow = stage;
      expect(await refusalOf(upsert())).to.deep.equal(tooLate(next));
      expect(await auditLines()).to.deep.equal([]);
      slow = undefined;
      expect((await upsert()).replayed).to.equal(false);
    });
  }

  it("that passes while an upsert is saved ends it before it is executed, and the run stands", async () => {
    slow = "compute_and_save";
    const wish = { execute: true, positions: REBALANCE.positions };
    expect(await refusalOf(upsert(wish))).to.deep.equal(tooLate("execute"));
    slow = undefined;
    expect((await upsert(wish)).replayed).to.equal(true);
  });

  it("that passes in acquire ends ApplyRebalance and ExecuteRebalance with nothing written", async () => {
    slow = "acquire";
    const rebalances = createClient(RebalanceService, server.transport);
    const calls = [
      () => rebalances.applyRebalance({ runId: "a", rebalance: REBALANCE }),
      () => rebalances.executeRebalance({ runId: "e", rebalance: REBALANCE, submit: true }),
    ];
    for (const call of calls) expect(await refusalOf(call())).to.deep.equal(tooLate("compute_and_save"));
    expect(await auditLines()).to.deep.equal([]);
    slow = undefined;
    for (const call of calls) await call();
    expect(await auditLines()).to.include("rebalancing_planned");
  });
});
