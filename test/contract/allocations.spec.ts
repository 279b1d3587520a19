import type { DescMethodUnary, JsonObject } from "@bufbuild/protobuf";
import { expect } from "chai";
import { AllocationService as V1 } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { AllocationService as V2 } from "#gen/worldservice/v2/allocation_service_pb.ts";
import { expectGolden } from "../support/golden.ts";
import { STANDING_CLOCK, startServer, type TestServer } from "../support/server.ts";
import { type Calls, caller, reasonOf, responseOf } from "./calls.ts";
import { OVERLAY, UPSERT } from "./requests.ts";

const METHODS: Record<"v1" | "v2", DescMethodUnary> = {
  v1: V1.method.upsertAllocations,
  v2: V2.method.upsertAllocations,
};
const GET = { v1: V1.method.getAllocations, v2: V2.method.getAllocations };

const SHARED: Record<string, JsonObject> = {
  scaling: UPSERT,
  "with-strategies": {
    ...UPSERT,
    strategyAllocBeforeTotal: {
      alpha: { ratios: { trend: 0.1, carry: 0.1 } },
      beta: { ratios: { trend: 0.2, value: 0.1 } },
    },
    strategyAllocAfterTotal: {
      alpha: { ratios: { trend: 0.2, carry: 0.1 } },
      beta: { ratios: { trend: 0.1, value: 0.2 } },
    },
  },
  "without-positions": { ...UPSERT, positions: [] },
  "refuses-no-run-id": { ...UPSERT, runId: "" },
  "refuses-run-id-of-a-megabyte": { ...UPSERT, runId: "x".repeat(1 << 20) },
  "refuses-control-characters-in-run-id": { ...UPSERT, runId: "a\u0007b" },
  "refuses-no-allocations": { ...UPSERT, worldAllocations: {} },
  "refuses-ratio-above-one": { ...UPSERT, worldAllocations: { alpha: 1.000001 } },
  "refuses-negative-ratio": { ...UPSERT, worldAllocations: { alpha: -0.1 } },
  "refuses-ratio-not-a-number": { ...UPSERT, worldAllocations: { alpha: "NaN" } },
  "refuses-infinite-equity": { ...UPSERT, totalEquity: "Infinity" },
  "refuses-position-not-a-number": {
    ...UPSERT,
    positions: [{ worldId: "alpha", strategyId: "trend", symbol: "X", qty: "NaN", mark: 1 }],
  },
  "refuses-stale-etag": { ...UPSERT, etagByWorld: { alpha: "sha256:00" } },
  "refuses-etag-of-none": { ...UPSERT, etagByWorld: { beta: "" } },
  "refuses-unsupported-version": { ...UPSERT, schemaVersion: 9 },
};

const V2_ONLY: Record<string, JsonObject> = {
  overlay: { ...UPSERT, overlay: OVERLAY },
  hybrid: { ...UPSERT, hybrid: { overlay: OVERLAY, scalingFraction: 0.5 } },
  intent: { ...UPSERT, rebalanceIntent: { meta: { reason: "monthly" } } },
  "refuses-overlay-without-price": { ...UPSERT, overlay: { ...OVERLAY, priceBySymbol: {} } },
  "refuses-sum-above-one": { ...UPSERT, worldAllocations: { alpha: 0.6, beta: 0.6 } },
};

describe("contract of UpsertAllocations", () => {
  let open: TestServer;
  let call: Calls;
  beforeEach(async () => {
    open = await startServer({ compat_rebalance_v2: true }, { clock: STANDING_CLOCK });
    call = caller(open.transport);
  });
  afterEach(() => open.stop());

  for (const version of ["v1", "v2"] as const) {
    const cases = version === "v1" ? SHARED : { ...SHARED, ...V2_ONLY };
    for (const [name, request] of Object.entries(cases)) {
      it(`answers ${name} in ${version} as recorded`, async () => {
        await call(METHODS.v2, { ...UPSERT, runId: "before", worldAllocations: { alpha: 0.4, beta: 0.2 } });
        const outcome = await call(METHODS[version], { runId: "run-1", ...request });
        const isRefused = name.startsWith("refuses-");
        expect("error" in outcome, JSON.stringify(outcome)).to.equal(isRefused);
        expectGolden(`${version}/upsert-allocations.${name}`, outcome);
        const { head } = await open.server.opened.log.window();
        expect(head.revision, "commits").to.equal(isRefused ? 1 : 2);
      });
    }

    it(`tells in ${version} what GetAllocations tells, and nothing of an empty store`, async () => {
      expect(responseOf(await call(GET[version], {}))).to.deep.equal({});
      await call(METHODS[version], { runId: "run-1", ...SHARED["with-strategies"] });
      expectGolden(`${version}/get-allocations.all`, await call(GET[version], {}));
      expectGolden(`${version}/get-allocations.filtered`, await call(GET[version], { worldIds: ["beta"] }));
      const unknown = await call(GET[version], { worldIds: ["beta", "nobody"] });
      expectGolden(`${version}/get-allocations.unknown-world`, unknown);
    });
  }

  it("returns nothing but the overlay for an upsert in overlay mode (D-21)", async () => {
    await call(METHODS.v2, { ...UPSERT, runId: "before", worldAllocations: { alpha: 0.4, beta: 0.2 } });
    const { plan } = responseOf(await call(METHODS.v2, { runId: "run-1", ...V2_ONLY.overlay })) as {
      plan: JsonObject;
    };
    expect(plan.overlayDeltas).to.have.length(2);
    expect(plan.perWorld).to.equal(undefined);
    expect(plan.globalDeltas).to.equal(undefined);
  });

  it("starts the next plan from the stored shares of worlds and strategies", async () => {
    await call(METHODS.v2, { runId: "run-1", ...SHARED["with-strategies"] });
    const next = { ...UPSERT, runId: "run-2", worldAllocations: { alpha: 0.15, beta: 0.3 } };
    const half = {
      alpha: { ratios: { trend: 0.1, carry: 0.05 } },
      beta: { ratios: { trend: 0.1, value: 0.2 } },
    };
    const answer = responseOf(await call(METHODS.v2, { ...next, strategyAllocAfterTotal: half }));
    const { alpha, beta } = (answer.plan as { perWorld: Record<string, JsonObject> }).perWorld;
    expect(alpha?.scaleWorld).to.equal(0.5);
    expect(alpha?.scaleByStrategy).to.deep.equal({ trend: 0.5, carry: 0.5 });
    expect(beta?.scaleByStrategy).to.deep.equal({ trend: 1, value: 1 });
  });

  it("lets the request's own strategy shares go before the stored ones, world by world", async () => {
    await call(METHODS.v2, { runId: "run-1", ...SHARED["with-strategies"] });
    const given = {
      strategyAllocBeforeTotal: { alpha: { ratios: { trend: 0.4, carry: 0.2 } } },
      strategyAllocAfterTotal: {
        alpha: { ratios: { trend: 0.1, carry: 0.1 } },
        beta: { ratios: { trend: 0.05, value: 0.1 } },
      },
    };
    const answer = responseOf(await call(METHODS.v2, { ...UPSERT, runId: "run-2", ...given }));
    const { alpha, beta } = (answer.plan as { perWorld: Record<string, JsonObject> }).perWorld;
    expect(alpha?.scaleByStrategy).to.deep.equal({ trend: 0.25, carry: 0.5 });
    expect(beta?.scaleByStrategy).to.deep.equal({ trend: 0.5, value: 0.5 });
  });

  it("writes nothing when execute is asked for and no executor is there", async () => {
    const refused = await call(METHODS.v2, { ...UPSERT, runId: "run-1", execute: true });
    expect(reasonOf(refused)).to.equal("EXECUTOR_NOT_CONFIGURED");
    expect(responseOf(await call(GET.v2, {}))).to.deep.equal({});
    expect(reasonOf(await call(V2.method.getAllocationRun, { runId: "run-1" }))).to.equal("RUN_NOT_FOUND");
    const later = await call(METHODS.v2, { ...UPSERT, runId: "run-1" });
    expect(responseOf(later).runId, "the run id is still free").to.equal("run-1");
  });
});

describe("age of allocations", () => {
  let nowMs = STANDING_CLOCK.now();
  let open: TestServer;
  before(async () => {
    open = await startServer({}, { clock: { ...STANDING_CLOCK, now: () => nowMs } });
  });
  after(() => open.stop());

  it("counts them as stale when their time to live of 300 s is over, not before", async () => {
    const call = caller(open.transport);
    await call(V1.method.upsertAllocations, { ...UPSERT, runId: "run-1" });
    const staleAfter = async (ms: number) => {
      nowMs = STANDING_CLOCK.now() + ms;
      const { allocations } = responseOf(await call(V1.method.getAllocations, { worldIds: ["alpha"] }));
      const { ttl, stale } = (allocations as Record<string, JsonObject>).alpha ?? {};
      expect(ttl).to.equal("300s");
      return stale === true;
    };
    expect(await staleAfter(0)).to.equal(false);
    expect(await staleAfter(300_000)).to.equal(false);
    expect(await staleAfter(300_001)).to.equal(true);
    await call(V1.method.upsertAllocations, { ...UPSERT, runId: "run-2" });
    expect(await staleAfter(300_001)).to.equal(false);
  });
});
