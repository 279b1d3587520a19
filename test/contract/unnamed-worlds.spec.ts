import type { JsonObject } from "@bufbuild/protobuf";
import { expect } from "chai";
import { AllocationService as V1 } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { WorldService } from "#gen/worldservice/v1/world_service_pb.ts";
import { AllocationService as V2 } from "#gen/worldservice/v2/allocation_service_pb.ts";
import type { Outcome } from "../support/golden.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Calls, caller, metadataOf, reasonOf, responseOf } from "./calls.ts";

const UPSERT_OF = { v1: V1.method.upsertAllocations, v2: V2.method.upsertAllocations };
const HELD = { worldId: "held", strategyId: "s", symbol: "X", qty: 10, mark: 5 };

describe("worlds that an upsert touches and sets no share of", () => {
  let open: TestServer;
  let call: Calls;
  let runs = 0;
  beforeEach(async () => {
    open = await startServer({ compat_rebalance_v2: true });
    call = caller(open.transport);
  });
  afterEach(() => open.stop());

  const set = (version: "v1" | "v2", parts: JsonObject): Promise<Outcome> =>
    call(UPSERT_OF[version], { runId: `run-${++runs}`, totalEquity: 1000, ...parts });

  async function etagOf(worldId: string): Promise<string> {
    const read = responseOf(await call(V2.method.getAllocations, { worldIds: [worldId] }));
    return (read.allocations as Record<string, { etag: string }>)[worldId]?.etag ?? "";
  }

  it("are not liquidated while they are suspended, though only their positions name them (v1)", async () => {
    await call(WorldService.method.createWorld, {
      world: { worldId: "held", state: "WORLD_STATE_SUSPENDED" },
    });
    const refused = await set("v1", { worldAllocations: { alpha: 0.1 }, positions: [HELD] });
    expect(reasonOf(refused)).to.equal("WORLD_SUSPENDED");
    expect(metadataOf(refused).world_id).to.equal("held");
  });

  it("keep their positions as they keep their share, and a warning says so (v1)", async () => {
    responseOf(await set("v1", { worldAllocations: { held: 0.05 } }));
    const answer = responseOf(await set("v1", { worldAllocations: { alpha: 0.1 }, positions: [HELD] }));
    const plan = answer.plan as { perWorld?: object; warnings: { code: string; worldId: string }[] };
    expect(plan.perWorld).to.equal(undefined);
    expect(plan.warnings.map(({ code, worldId }) => `${code} ${worldId}`)).to.deep.equal([
      "WARNING_CODE_WORLD_MISSING_IN_AFTER held",
      "WARNING_CODE_WORLD_WITHOUT_POSITIONS alpha",
    ]);
  });

  it("refuse the call when only positions name them (v2)", async () => {
    const refused = await set("v2", { worldAllocations: { alpha: 0.1 }, positions: [HELD] });
    expect(reasonOf(refused)).to.equal("INVALID_FIELD");
  });

  for (const version of ["v1", "v2"] as const) {
    it(`let the call pass when their given etag is theirs (${version})`, async () => {
      responseOf(await set(version, { worldAllocations: { beta: 0.2 } }));
      const etagByWorld = { beta: await etagOf("beta"), gamma: "" };
      responseOf(await set(version, { worldAllocations: { alpha: 0.1 }, etagByWorld }));
    });

    it(`refuse the call when their given etag is another (${version})`, async () => {
      responseOf(await set(version, { worldAllocations: { beta: 0.2 } }));
      for (const beta of ["", "sha256:00"]) {
        const refused = await set(version, { worldAllocations: { alpha: 0.1 }, etagByWorld: { beta } });
        expect(reasonOf(refused)).to.equal("ETAG_MISMATCH");
        expect(metadataOf(refused).current).to.equal(await etagOf("beta"));
      }
    });
  }
});
