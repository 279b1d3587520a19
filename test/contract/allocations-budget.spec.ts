import type { JsonObject } from "@bufbuild/protobuf";
import { expect } from "chai";
import { AllocationService as V1 } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { AllocationService as V2 } from "#gen/worldservice/v2/allocation_service_pb.ts";
import type { DomainEvent } from "../../src/domain/events/types.ts";
import { fromStored } from "../../src/domain/stored-json.ts";
import type { Outcome } from "../support/golden.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Calls, caller, metadataOf, reasonOf, responseOf } from "./calls.ts";
import { UPSERT } from "./requests.ts";

const UPSERT_OF = { v1: V1.method.upsertAllocations, v2: V2.method.upsertAllocations };

describe("the sum of a book's allocations", () => {
  let open: TestServer;
  let call: Calls;
  let runs = 0;
  beforeEach(async () => {
    open = await startServer({ compat_rebalance_v2: true });
    call = caller(open.transport);
  });
  afterEach(() => open.stop());

  const set = (version: "v1" | "v2", worldAllocations: JsonObject): Promise<Outcome> =>
    call(UPSERT_OF[version], { ...UPSERT, positions: [], runId: `run-${++runs}`, worldAllocations });

  function warnings(outcome: Outcome): string[] {
    const { warnings: list = [] } = responseOf(outcome).plan as { warnings?: JsonObject[] };
    return (list as JsonObject[]).map(({ code }) => String(code)).filter((code) => code.includes("SUM"));
  }

  it("may not pass 1 in v2, worlds that are not named included", async () => {
    responseOf(await set("v2", { alpha: 0.5, beta: 0.3 }));
    const refused = await set("v2", { gamma: 0.3 });
    expect(reasonOf(refused)).to.equal("ALLOCATION_SUM_EXCEEDED");
    expect(metadataOf(refused)).to.deep.equal({ sum: "1.1", stage: "compute_and_save" });
    responseOf(await set("v2", { gamma: 0.2 }));
    responseOf(await set("v2", { alpha: 0.4, delta: 0.1 }));
  });

  it("is exact: ten times 0.1 is 1 and fits", async () => {
    for (let world = 0; world < 10; world++) responseOf(await set("v2", { [`world-${world}`]: 0.1 }));
    expect(reasonOf(await set("v2", { more: 1e-12 }))).to.equal("ALLOCATION_SUM_EXCEEDED");
  });

  it("may pass 1 in v1, with a warning", async () => {
    expect(warnings(await set("v1", { alpha: 0.5, beta: 0.3 }))).to.deep.equal([]);
    expect(warnings(await set("v1", { gamma: 0.3 }))).to.deep.equal([
      "WARNING_CODE_ALLOCATION_SUM_ABOVE_ONE",
    ]);
  });

  it("that v1 brought above 1 is refused in v2 until it is at most 1, and v1 may lower it step by step", async () => {
    await set("v1", { alpha: 0.9, beta: 0.9 });
    expect(reasonOf(await set("v2", { alpha: 0.8 }))).to.equal("ALLOCATION_SUM_EXCEEDED");
    responseOf(await set("v1", { alpha: 0.8 }));
    responseOf(await set("v2", { alpha: 0.5, beta: 0.5 }));
  });

  it("never passes 1, however many callers change different worlds at once", async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 24 }, (_, i) => set("v2", { [`world-${i}`]: 0.15 })),
    );
    expect(outcomes.filter((outcome) => "response" in outcome)).to.have.length(6);
    const { budgetTotal } = await open.server.opened.store.read({ keys: [], budget: "allocation" });
    expect(budgetTotal).to.equal(9e11);
  });

  it("moves in one commit with the events of all its worlds", async () => {
    await set("v2", { alpha: 0.5, beta: 0.3 });
    const request = { ...UPSERT, runId: "run-x", worldAllocations: { beta: 0.2, alpha: 0.6 } };
    responseOf(await call(UPSERT_OF.v2, request));
    const entries = await open.server.opened.log.readAfter(0, 10);
    const told = entries.map(({ events }) =>
      events.map(
        ({ worldId, worldSequence, body }) =>
          `${fromStored<DomainEvent>(body).type} ${worldId} ${worldSequence}`,
      ),
    );
    expect(told).to.deep.equal([
      ["ALLOCATION_UPDATED alpha 1", "ALLOCATION_UPDATED beta 1"],
      [
        "ALLOCATION_UPDATED alpha 2",
        "ALLOCATION_UPDATED beta 2",
        "REBALANCING_PLANNED alpha 3",
        "REBALANCING_PLANNED beta 3",
      ],
    ]);
  });
});
