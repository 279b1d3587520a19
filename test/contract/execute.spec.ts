import type { JsonObject } from "@bufbuild/protobuf";
import { expect } from "chai";
import { AllocationService as AllocationV1 } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { AuditService } from "#gen/worldservice/v1/audit_service_pb.ts";
import { ExecutionService } from "#gen/worldservice/v1/execution_service_pb.ts";
import { RebalanceService as V1 } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { WorldService } from "#gen/worldservice/v1/world_service_pb.ts";
import { AllocationService as AllocationV2 } from "#gen/worldservice/v2/allocation_service_pb.ts";
import { RebalanceService as V2 } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { callJson, expectGolden, type Outcome } from "../support/golden.ts";
import { STANDING_CLOCK, startServer, type TestServer } from "../support/server.ts";
import { BOOK, OVERLAY } from "./requests.ts";

const EXECUTE = { v1: V1.method.executeRebalance, v2: V2.method.executeRebalance };
const APPLY = { v1: V1.method.applyRebalance, v2: V2.method.applyRebalance };
const UPSERT = { v1: AllocationV1.method.upsertAllocations, v2: AllocationV2.method.upsertAllocations };
const VERSIONS = ["v1", "v2"] as const;

function reasonOf(outcome: Outcome): string {
  if (!("error" in outcome)) return "answered";
  const { errorInfo } = outcome.error as { errorInfo: JsonObject[] };
  return errorInfo.map((info) => String(info.reason)).join();
}

async function eventsOf(open: TestServer, worldId: string): Promise<number> {
  const audit = await callJson(open.transport, AuditService.method.listAuditEntries, { worldId });
  return ((audit as { response: { entries?: unknown[] } }).response.entries ?? []).length;
}

const ONE_WORLD: JsonObject = {
  totalEquity: 1_000,
  worldAllocBefore: { alpha: 0.5 },
  worldAllocAfter: { alpha: 0.25 },
  positions: [{ worldId: "alpha", strategyId: "trend", symbol: "X", qty: 10, mark: 10 }],
};

/** What is shown without being submitted, in both packages. */
const SHOWN: Record<string, JsonObject> = {
  "per-world": { rebalance: BOOK },
  "named-run": { runId: "preview", rebalance: BOOK },
  "per-strategy": { rebalance: BOOK, perStrategy: true },
  global: { rebalance: BOOK, sharedAccount: true },
  "per-strategy-and-global": { rebalance: BOOK, perStrategy: true, sharedAccount: true },
  violations: {
    rebalance: {
      ...BOOK,
      minTradeNotional: 46_000,
      lotSizeBySymbol: { BTCUSDT: 1, ETHUSDT: 0.01, GLD: 1 },
    },
  },
  "refuses-no-rebalance": {},
  "refuses-quantity-not-a-number": {
    rebalance: {
      ...ONE_WORLD,
      positions: [{ worldId: "a", strategyId: "s", symbol: "X", qty: "NaN", mark: 1 }],
    },
  },
  "refuses-lot-of-zero": { rebalance: { ...BOOK, lotSizeBySymbol: { BTCUSDT: 0 } } },
  "refuses-negative-lot": { rebalance: { ...BOOK, lotSizeBySymbol: { BTCUSDT: -1 } } },
  "refuses-long-run-id": { runId: "x".repeat(129), rebalance: ONE_WORLD },
};

const RULES: JsonObject[] = [
  { symbol: "*", minNotional: 25 },
  { symbol: "BTCUSDT", venue: "binance", canonicalSymbol: "BTC-PERP", lotSize: 0.5, tickSize: 0.1 },
  { symbol: "GLD", minNotional: 50_000 },
];

const SHOWN_IN_V2: Record<string, JsonObject> = {
  constraints: { rebalance: { ...BOOK, lotSizeBySymbol: {}, constraints: RULES }, perStrategy: true },
  "closing-dust": {
    rebalance: {
      ...ONE_WORLD,
      positions: [{ worldId: "alpha", strategyId: "s", symbol: "X", venue: "v", qty: 0.5, mark: 10 }],
      worldAllocAfter: { alpha: 0 },
      constraints: [{ symbol: "X", venue: "V", minNotional: 100, closingExempt: true }],
    },
  },
  overlay: { rebalance: { ...BOOK, overlay: OVERLAY }, perStrategy: true },
  "overlay-global": { rebalance: { ...BOOK, overlay: OVERLAY }, sharedAccount: true },
  hybrid: { rebalance: { ...BOOK, hybrid: { overlay: OVERLAY, scalingFraction: 0.5 } }, perStrategy: true },
  "refuses-shared-overlay-instrument": {
    rebalance: { ...BOOK, overlay: { ...OVERLAY, instrumentByWorld: { alpha: "ES", beta: "ES" } } },
  },
  "refuses-ambiguous-alias": {
    rebalance: {
      ...BOOK,
      constraints: [
        { symbol: "BTC", aliases: ["coin"] },
        { symbol: "ETH", aliases: ["COIN"] },
      ],
    },
  },
  "refuses-renaming-every-symbol": {
    rebalance: { ...BOOK, constraints: [{ symbol: "*", canonicalSymbol: "X" }] },
  },
  "refuses-negative-rule-lot": { rebalance: { ...BOOK, constraints: [{ symbol: "X", lotSize: -1 }] } },
};

describe("contract of ExecuteRebalance without submit", () => {
  let open: TestServer;
  before(async () => {
    open = await startServer({ compat_rebalance_v2: true, shared_account_enabled: true });
  });
  after(() => open.stop());

  for (const version of VERSIONS) {
    const cases = version === "v1" ? SHOWN : { ...SHOWN, ...SHOWN_IN_V2 };
    for (const [name, request] of Object.entries(cases)) {
      it(`answers ${name} in ${version} as recorded`, async () => {
        const outcome = await callJson(open.transport, EXECUTE[version], request);
        expect("error" in outcome, JSON.stringify(outcome)).to.equal(name.startsWith("refuses-"));
        expectGolden(`${version}/execute-rebalance.${name}`, outcome);
      });
    }
  }

  it("writes nothing, whatever was asked for", async () => {
    const runs = await callJson(open.transport, ExecutionService.method.listExecutions, {});
    expect(runs).to.deep.equal({ response: {} });
    expect(await eventsOf(open, "alpha")).to.equal(0);
  });
});

describe("contract of ExecuteRebalance with submit on the paper executor", () => {
  let open: TestServer;
  before(async () => {
    open = await startServer(
      { compat_rebalance_v2: true, executor: "paper", shared_account_enabled: true },
      { clock: STANDING_CLOCK },
    );
  });
  after(() => open.stop());

  const call = (version: "v1" | "v2", request: JsonObject) =>
    callJson(open.transport, EXECUTE[version], request);

  for (const version of VERSIONS) {
    for (const [name, flags] of Object.entries({
      submitted: {},
      "submitted-per-strategy": { perStrategy: true },
      "submitted-global": { sharedAccount: true },
    })) {
      it(`answers ${name} in ${version} as recorded, and again the same`, async () => {
        const request = { runId: `${version}-${name}`, rebalance: BOOK, submit: true, ...flags };
        const first = await call(version, request);
        expectGolden(`${version}/execute-rebalance.${name}`, first);
        expect(await call(version, request)).to.deep.equal(first);
        const execution = await callJson(open.transport, ExecutionService.method.getExecution, {
          runId: request.runId,
        });
        expectGolden(`v1/get-execution.${version}-${name}`, execution);
      });
    }

    it(`executes an applied run of ${version} by its id and request`, async () => {
      const runId = `${version}-applied`;
      await callJson(open.transport, APPLY[version], { runId, rebalance: BOOK });
      const executed = await call(version, { runId, rebalance: BOOK, submit: true });
      expectGolden(`${version}/execute-rebalance.applied`, executed);
      const get = version === "v1" ? V1.method.getRebalanceRun : V2.method.getRebalanceRun;
      const run = (await callJson(open.transport, get, { runId })) as { response: { run: JsonObject } };
      expect(run.response.run.executionStatus).to.equal("EXECUTION_STATUS_DONE");
    });
  }

  it("submits the netted orders of a shared account and nothing beside them", async () => {
    const runId = "v1-submitted-global";
    const orders = await callJson(open.transport, ExecutionService.method.listPaperOrders, { runId });
    expectGolden("v1/list-paper-orders.global", orders);
  });

  it("refuses a run id of another request, of another package and of an upsert", async () => {
    await call("v1", { runId: "mine", rebalance: ONE_WORLD, submit: true });
    const other = { ...ONE_WORLD, totalEquity: 2_000 };
    const upsert = { runId: "an-upsert", totalEquity: 1_000, worldAllocations: { alpha: 0.1 } };
    await callJson(open.transport, AllocationV1.method.upsertAllocations, upsert);
    await callJson(open.transport, V1.method.applyRebalance, {
      runId: "applied-in-v1",
      rebalance: ONE_WORLD,
    });
    const outcomes = [
      await call("v1", { runId: "mine", rebalance: other, submit: true }),
      await call("v1", { runId: "mine", rebalance: ONE_WORLD, submit: true, sharedAccount: true }),
      await call("v2", { runId: "mine", rebalance: ONE_WORLD, submit: true }),
      await call("v1", { runId: "an-upsert", rebalance: ONE_WORLD, submit: true }),
      await call("v2", { runId: "applied-in-v1", rebalance: ONE_WORLD, submit: true }),
      await call("v1", { runId: "applied-in-v1", rebalance: other, submit: true }),
      await callJson(open.transport, V1.method.applyRebalance, { runId: "mine", rebalance: ONE_WORLD }),
    ];
    expect(outcomes.map(reasonOf)).to.deep.equal(outcomes.map(() => "RUN_ID_REUSED"));
  });

  it("refuses to submit a run without a name", async () => {
    expectGolden(
      "v1/execute-rebalance.refuses-nameless-run",
      await call("v1", { rebalance: ONE_WORLD, submit: true }),
    );
  });

  it("is done at once where there is nothing to trade", async () => {
    const rebalance = { ...ONE_WORLD, worldAllocAfter: { alpha: 0.5 } };
    expectGolden(
      "v2/execute-rebalance.nothing-to-trade",
      await call("v2", { runId: "idle", rebalance, submit: true }),
    );
  });

  it("executes an upsert after its shares are set, and tells how far it came", async () => {
    for (const version of VERSIONS) {
      const worldId = `upserted-${version}`;
      const positions = [{ worldId, strategyId: "s", symbol: "X", qty: 10, mark: 10 }];
      const share = (ratio: number) => ({
        totalEquity: 1_000,
        worldAllocations: { [worldId]: ratio },
        positions,
      });
      await callJson(open.transport, UPSERT[version], {
        ...share(0.4),
        positions: [],
        runId: `${worldId}-open`,
      });
      const request = { ...share(0.2), runId: `${worldId}-halve`, execute: true };
      const first = await callJson(open.transport, UPSERT[version], request);
      expectGolden(`${version}/upsert-allocations.executed`, first);
      const again = (await callJson(open.transport, UPSERT[version], request)) as { response: JsonObject };
      expect(again.response).to.deep.include({ replayed: true, executed: true });
      const paper = await callJson(open.transport, ExecutionService.method.listPaperOrders, {
        runId: request.runId,
      });
      expect((paper as { response: { orders: unknown[] } }).response.orders).to.have.lengthOf(1);
    }
  });

  it("lists executions newest first, page by page and by status", async () => {
    const list = (request: JsonObject) =>
      callJson(open.transport, ExecutionService.method.listExecutions, request);
    const all = (await list({})) as { response: { executions: { runId: string }[] } };
    const pages: string[] = [];
    let pageToken = "";
    do {
      const page = (await list({ pageSize: 3, pageToken })) as {
        response: { executions?: { runId: string }[]; nextPageToken?: string };
      };
      pages.push(...(page.response.executions ?? []).map(({ runId }) => runId));
      pageToken = page.response.nextPageToken ?? "";
    } while (pageToken !== "");
    expect(pages).to.deep.equal(all.response.executions.map(({ runId }) => runId));
    expect(await list({ statuses: ["EXECUTION_STATUS_IN_DOUBT"] })).to.deep.equal({ response: {} });
    expect(reasonOf(await list({ pageToken: "nonsense" }))).to.equal("INVALID_FIELD");
  });

  it("answers for runs that were never executed, and not for runs that never were", async () => {
    await callJson(open.transport, V1.method.applyRebalance, { runId: "only-applied", rebalance: ONE_WORLD });
    const get = (runId: string) => callJson(open.transport, ExecutionService.method.getExecution, { runId });
    expectGolden("v1/get-execution.not-requested", await get("only-applied"));
    expectGolden("v1/get-execution.refuses-unknown-run", await get("never-was"));
    expect(
      reasonOf(
        await callJson(open.transport, ExecutionService.method.listPaperOrders, { runId: "never-was" }),
      ),
    ).to.equal("RUN_NOT_FOUND");
  });
});

describe("contract of ExecuteRebalance where policy refuses", () => {
  /** Answers the refusal, after making sure that nothing was written. */
  async function refused(open: TestServer, version: "v1" | "v2", request: JsonObject): Promise<Outcome> {
    const before = await eventsOf(open, "alpha");
    const outcome = await callJson(open.transport, EXECUTE[version], request);
    expect("error" in outcome, JSON.stringify(outcome)).to.equal(true);
    expect(await eventsOf(open, "alpha")).to.equal(before);
    return outcome;
  }

  it("names the executor that is missing", async () => {
    const open = await startServer();
    const outcome = await refused(open, "v1", { runId: "r", rebalance: ONE_WORLD, submit: true });
    expectGolden("v1/execute-rebalance.refuses-without-executor", outcome);
    const upsert = { runId: "u", totalEquity: 1, worldAllocations: { alpha: 0.1 }, execute: true };
    const upserted = await callJson(open.transport, AllocationV1.method.upsertAllocations, upsert);
    expect(reasonOf(upserted)).to.equal("EXECUTOR_NOT_CONFIGURED");
    expect(await eventsOf(open, "alpha")).to.equal(0);
    await open.stop();
  });

  it("names the shared account that is switched off", async () => {
    const open = await startServer({ executor: "paper" });
    const outcome = await refused(open, "v1", { rebalance: ONE_WORLD, sharedAccount: true });
    expectGolden("v1/execute-rebalance.refuses-shared-account", outcome);
    await open.stop();
  });

  for (const [name, flags] of Object.entries({
    gross: { shared_account_max_gross_notional: 10 },
    net: { shared_account_max_net_notional: 10 },
    headroom: { shared_account_min_margin_headroom: 0.99 },
  })) {
    it(`gives the figures of a shared account beyond its ${name} limit`, async () => {
      const open = await startServer({ executor: "paper", shared_account_enabled: true, ...flags });
      const request = { runId: "r", rebalance: ONE_WORLD, sharedAccount: true, submit: true };
      expectGolden(`v1/execute-rebalance.refuses-${name}`, await refused(open, "v1", request));
      await open.stop();
    });
  }

  for (const [name, world, flags] of [
    ["shadow-world", { executionDomain: "EXECUTION_DOMAIN_SHADOW" }, {}],
    ["live-world", { executionDomain: "EXECUTION_DOMAIN_LIVE", allowLive: true }, {}],
    ["suspended-world", { state: "WORLD_STATE_SUSPENDED" }, {}],
    ["open-breaker", { circuitBreaker: true }, {}],
  ] as const) {
    it(`refuses the orders of a ${name}`, async () => {
      const open = await startServer({ executor: "paper" });
      const created = await callJson(open.transport, WorldService.method.createWorld, {
        world: { worldId: "alpha", ...world },
      });
      expect("response" in created, JSON.stringify(created)).to.equal(true);
      const request = { runId: "r", rebalance: ONE_WORLD, submit: true, ...flags };
      expectGolden(`v1/execute-rebalance.refuses-${name}`, await refused(open, "v1", request));
      const shown = await callJson(open.transport, EXECUTE.v1, { rebalance: ONE_WORLD });
      expect("response" in shown, "orders may be looked at").to.equal(true);
      await open.stop();
    });
  }

  it("names the mark that is missing, instead of dropping the position", async () => {
    const open = await startServer();
    const positions = [{ worldId: "alpha", strategyId: "trend", symbol: "DARK", qty: 10, mark: 0 }];
    const rebalance = { ...ONE_WORLD, positions };
    expectGolden(
      "v1/execute-rebalance.missing-mark",
      await callJson(open.transport, EXECUTE.v1, { rebalance }),
    );
    await open.stop();
  });

  it("sets no share that it could not execute: shadow worlds and shared overlay instruments", async () => {
    const open = await startServer({ executor: "paper", compat_rebalance_v2: true });
    const world = { worldId: "alpha", executionDomain: "EXECUTION_DOMAIN_SHADOW" };
    await callJson(open.transport, WorldService.method.createWorld, { world });
    const before = await eventsOf(open, "alpha");
    const shares = { totalEquity: 1_000, worldAllocations: { alpha: 0.1, beta: 0.1 }, execute: true };
    const overlay = { ...OVERLAY, instrumentByWorld: { alpha: "ES", beta: "ES" } };
    const outcomes = [
      await callJson(open.transport, UPSERT.v1, { runId: "u1", ...shares }),
      await callJson(open.transport, UPSERT.v2, { runId: "u2", ...shares, overlay }),
    ];
    expect(outcomes.map(reasonOf)).to.deep.equal(["SHADOW_ORDERS_BLOCKED", "OVERLAY_EXECUTION_AMBIGUOUS"]);
    expect(await eventsOf(open, "alpha")).to.equal(before);
    const allowed = await callJson(open.transport, UPSERT.v1, { runId: "u3", ...shares, execute: false });
    expect(reasonOf(allowed), "a shadow world has shares like any other").to.equal("answered");
    await open.stop();
  });

  it("lets a live world trade where call and world both say so", async () => {
    const open = await startServer({ executor: "paper" });
    await callJson(open.transport, WorldService.method.createWorld, {
      world: { worldId: "alpha", executionDomain: "EXECUTION_DOMAIN_LIVE", allowLive: true },
    });
    const request = { runId: "r", rebalance: ONE_WORLD, submit: true, allowLive: true };
    const outcome = (await callJson(open.transport, EXECUTE.v1, request)) as { response: JsonObject };
    expect(outcome.response).to.deep.include({ submitted: true, executionStatus: "EXECUTION_STATUS_DONE" });
    await open.stop();
  });
});
