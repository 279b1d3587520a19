import type { JsonObject } from "@bufbuild/protobuf";
import { expect } from "chai";
import { RebalanceService as V1 } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { RebalanceService as V2 } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import type { DomainEvent } from "../../src/domain/events/types.ts";
import { fromStored } from "../../src/domain/stored-json.ts";
import { expectGolden } from "../support/golden.ts";
import { STANDING_CLOCK, startServer, type TestServer } from "../support/server.ts";
import { type Calls, caller, responseOf } from "./calls.ts";
import { BOOK, OVERLAY } from "./requests.ts";

const SERVICES = { v1: V1, v2: V2 };

const SHARED: Record<string, JsonObject> = {
  scaling: { rebalance: BOOK },
  empty: { rebalance: {} },
  "book-above-one": { rebalance: { ...BOOK, worldAllocAfter: { alpha: 0.9, beta: 0.9 } } },
  "refuses-no-run-id": { runId: "", rebalance: BOOK },
  "refuses-run-id-of-a-megabyte": { runId: "x".repeat(1 << 20), rebalance: BOOK },
  "refuses-no-rebalance": {},
  "refuses-ratio-not-a-number": { rebalance: { ...BOOK, worldAllocAfter: { alpha: "NaN" } } },
};

const V2_ONLY: Record<string, JsonObject> = {
  overlay: { rebalance: { ...BOOK, overlay: OVERLAY } },
  hybrid: { rebalance: { ...BOOK, hybrid: { overlay: OVERLAY, scalingFraction: 0.5 } } },
  intent: { rebalance: { ...BOOK, rebalanceIntent: { meta: { reason: "monthly" } } } },
};

describe("contract of ApplyRebalance", () => {
  let open: TestServer;
  let call: Calls;
  beforeEach(async () => {
    open = await startServer({ compat_rebalance_v2: true }, { clock: STANDING_CLOCK });
    call = caller(open.transport);
  });
  afterEach(() => open.stop());

  /** Commits of the feed, each a list of `TYPE world`. */
  async function feed(): Promise<string[][]> {
    const entries = await open.server.opened.log.readAfter(0, 100);
    return entries.map(({ events }) =>
      events
        .map(({ body }) => fromStored<DomainEvent>(body))
        .map(({ type, worldId }) => `${type} ${worldId}`),
    );
  }

  for (const version of ["v1", "v2"] as const) {
    const { applyRebalance, getRebalanceRun } = SERVICES[version].method;
    const cases = version === "v1" ? SHARED : { ...SHARED, ...V2_ONLY };
    for (const [name, request] of Object.entries(cases)) {
      it(`answers ${name} in ${version} as recorded`, async () => {
        const outcome = await call(applyRebalance, { runId: "run-1", ...request });
        const isRefused = name.startsWith("refuses-");
        expect("error" in outcome, JSON.stringify(outcome)).to.equal(isRefused);
        expectGolden(`${version}/apply-rebalance.${name}`, outcome);
        expect(await feed(), "commits").to.have.length(isRefused ? 0 : 1);
        if (!isRefused)
          expectGolden(
            `${version}/get-rebalance-run.${name}`,
            await call(getRebalanceRun, { runId: "run-1" }),
          );
      });
    }

    it(`applies in ${version} what PlanRebalance plans`, async () => {
      const planned = responseOf(await call(SERVICES[version].method.planRebalance, { rebalance: BOOK }));
      const applied = responseOf(await call(applyRebalance, { runId: "run-1", rebalance: BOOK }));
      expect(applied.plan).to.deep.equal(planned.plan);
    });

    it(`publishes one event per world in one commit, in ${version}`, async () => {
      await call(applyRebalance, { runId: "run-1", rebalance: BOOK });
      expect(await feed()).to.deep.equal([["REBALANCING_PLANNED alpha", "REBALANCING_PLANNED beta"]]);
    });
  }

  it("publishes one event per world for an overlay too, each with its own deltas (D-20)", async () => {
    await call(V2.method.applyRebalance, { runId: "run-1", ...V2_ONLY.overlay });
    expect(await feed()).to.deep.equal([["REBALANCING_PLANNED alpha", "REBALANCING_PLANNED beta"]]);
    const [entry] = await open.server.opened.log.readAfter(0, 1);
    for (const { worldId, body } of entry?.events ?? []) {
      const event = fromStored<DomainEvent>(body);
      if (event.type !== "REBALANCING_PLANNED") throw new Error(`unexpected ${event.type}`);
      expect(event.payload.overlayDeltas.map((delta) => delta.worldId)).to.deep.equal([worldId]);
    }
  });

  it("publishes two identical plans of two runs as two, with keys of their own (D-19)", async () => {
    await call(V2.method.applyRebalance, { runId: "run-1", rebalance: BOOK });
    await call(V2.method.applyRebalance, { runId: "run-2", rebalance: BOOK });
    const entries = await open.server.opened.log.readAfter(0, 100);
    const keys = entries.flatMap(({ events }) =>
      events.map(({ body }) => fromStored<DomainEvent>(body).idempotencyKey),
    );
    expect(new Set(keys).size).to.equal(4);
  });

  it("changes no allocation", async () => {
    await call(V2.method.applyRebalance, { runId: "run-1", rebalance: BOOK });
    const { budgetTotal } = await open.server.opened.store.read({ keys: [], budget: "allocation" });
    expect(budgetTotal).to.equal(0);
  });
});
