import type { DescMethodUnary, JsonObject } from "@bufbuild/protobuf";
import { expect } from "chai";
import { AllocationService as AllocationV1 } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { RebalanceService as RebalanceV1 } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { AllocationService as AllocationV2 } from "#gen/worldservice/v2/allocation_service_pb.ts";
import { RebalanceService as RebalanceV2 } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { expectGolden } from "../support/golden.ts";
import { STANDING_CLOCK, startServer, type TestServer } from "../support/server.ts";
import { type Calls, caller, reasonOf, responseOf } from "./calls.ts";
import { BOOK, BOOK_WITHOUT_POSITIONS, OVERLAY, TABLE, UPSERT } from "./requests.ts";

interface Service {
  readonly apply: DescMethodUnary;
  readonly upsert: DescMethodUnary;
  readonly getApplied: DescMethodUnary;
  readonly getUpserted: DescMethodUnary;
  readonly list: DescMethodUnary;
}

function serviceOf(
  rebalance: typeof RebalanceV1 | typeof RebalanceV2,
  allocation: typeof AllocationV1 | typeof AllocationV2,
): Service {
  return {
    apply: rebalance.method.applyRebalance,
    upsert: allocation.method.upsertAllocations,
    getApplied: rebalance.method.getRebalanceRun,
    getUpserted: allocation.method.getAllocationRun,
    list: rebalance.method.listRebalanceRuns,
  };
}

const SERVICES = { v1: serviceOf(RebalanceV1, AllocationV1), v2: serviceOf(RebalanceV2, AllocationV2) };
const VERSIONS = ["v1", "v2"] as const;

describe("stored runs", () => {
  let open: TestServer;
  let call: Calls;
  beforeEach(async () => {
    open = await startServer({ compat_rebalance_v2: true }, { clock: STANDING_CLOCK });
    call = caller(open.transport);
  });
  afterEach(() => open.stop());

  for (const written of VERSIONS) {
    for (const read of VERSIONS) {
      it(`of ${written} are read through ${read} as recorded`, async () => {
        await call(SERVICES[written].upsert, {
          ...UPSERT,
          runId: "before",
          worldAllocations: { alpha: 0.4, beta: 0.2 },
        });
        await call(SERVICES[written].upsert, { ...UPSERT, runId: "upserted" });
        await call(SERVICES[written].apply, { runId: "applied", rebalance: BOOK });
        const upserted = await call(SERVICES[read].getUpserted, { runId: "upserted" });
        const applied = await call(SERVICES[read].getApplied, { runId: "applied" });
        expectGolden(`${read}/get-allocation-run.of-${written}`, upserted);
        expectGolden(`${read}/get-rebalance-run.of-${written}`, applied);
      });
    }
  }

  it("of an overlay, with a table and an intent, are read through v1 as far as v1 has words for them", async () => {
    const rebalance = {
      ...BOOK_WITHOUT_POSITIONS,
      positionTable: TABLE,
      overlay: OVERLAY,
      rebalanceIntent: { meta: { a: 1 } },
    };
    await call(SERVICES.v2.apply, { runId: "applied", rebalance });
    expectGolden(
      "v2/get-rebalance-run.overlay-of-table",
      await call(SERVICES.v2.getApplied, { runId: "applied" }),
    );
    expectGolden(
      "v1/get-rebalance-run.overlay-of-table",
      await call(SERVICES.v1.getApplied, { runId: "applied" }),
    );
  });

  it("give back any intent as it was sent, whatever its keys are called", async () => {
    const meta = { $map: 5, $f64: [1], nested: { $u32: "x", "10": 1, "2": null }, "": [] };
    const rebalance = { ...BOOK, rebalanceIntent: { meta } };
    await call(SERVICES.v2.apply, { runId: "applied", rebalance });
    const { run } = responseOf(await call(SERVICES.v2.getApplied, { runId: "applied" })) as {
      run: JsonObject;
    };
    expect((run.plan as JsonObject).rebalanceIntent).to.deep.equal({ meta });
    expect((run.request as JsonObject).rebalanceIntent).to.deep.equal({ meta });
  });

  for (const version of VERSIONS) {
    it(`are looked for in ${version} under the call that made them`, async () => {
      const { upsert, apply, getApplied, getUpserted } = SERVICES[version];
      await call(upsert, { ...UPSERT, runId: "upserted" });
      await call(apply, { runId: "applied", rebalance: BOOK });
      expect(reasonOf(await call(getApplied, { runId: "upserted" }))).to.equal("RUN_NOT_FOUND");
      expect(reasonOf(await call(getUpserted, { runId: "applied" }))).to.equal("RUN_NOT_FOUND");
      expect(reasonOf(await call(getUpserted, { runId: "nobody" }))).to.equal("RUN_NOT_FOUND");
      expect(reasonOf(await call(getApplied, { runId: "" }))).to.equal("INVALID_FIELD");
    });

    it(`are listed in ${version} newest first, page by page, without those of UpsertAllocations`, async () => {
      const { apply, upsert, list } = SERVICES[version];
      const ids = Array.from({ length: 7 }, (_, i) => `run-${i}`);
      for (const runId of ids) await call(apply, { runId, rebalance: BOOK });
      await call(upsert, { ...UPSERT, runId: "upserted" });
      expect(await pages(call, list, 3)).to.deep.equal([
        ["run-6", "run-5", "run-4"],
        ["run-3", "run-2", "run-1"],
        ["run-0"],
      ]);
      expect(await pages(call, list, 7)).to.deep.equal([ids.toReversed()]);
      expect(await pages(call, list, 0)).to.deep.equal([ids.toReversed()]);
    });

    it(`that come while ${version} is paging do not shift the pages behind`, async () => {
      const { apply, list } = SERVICES[version];
      for (const runId of ["a", "b", "c"]) await call(apply, { runId, rebalance: BOOK });
      const first = responseOf(await call(list, { pageSize: 2 }));
      await call(apply, { runId: "d", rebalance: BOOK });
      const second = responseOf(await call(list, { pageSize: 2, pageToken: String(first.nextPageToken) }));
      expect(idsOf(second)).to.deep.equal(["a"]);
    });

    it(`refuse in ${version} page tokens that are none of theirs, and page sizes that are none`, async () => {
      const { list } = SERVICES[version];
      const foreign = Buffer.from(JSON.stringify([1, 2])).toString("base64url");
      for (const pageToken of ["x", "bm8", foreign, "é"]) {
        expect(reasonOf(await call(list, { pageToken })), pageToken).to.equal("INVALID_FIELD");
      }
      for (const pageSize of [-1, 1_001]) {
        expect(reasonOf(await call(list, { pageSize })), String(pageSize)).to.equal("INVALID_FIELD");
      }
    });
  }
});

function idsOf({ runs }: JsonObject): string[] {
  return ((runs ?? []) as JsonObject[]).map(({ runId }) => String(runId));
}

async function pages(call: Calls, list: DescMethodUnary, pageSize: number): Promise<string[][]> {
  const found: string[][] = [];
  let pageToken = "";
  do {
    const page = responseOf(await call(list, { pageSize, pageToken }));
    found.push(idsOf(page));
    pageToken = String(page.nextPageToken ?? "");
  } while (pageToken !== "");
  return found;
}
