import type { JsonObject } from "@bufbuild/protobuf";
import { expect } from "chai";
import { AllocationService } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { AuditService } from "#gen/worldservice/v1/audit_service_pb.ts";
import { AllocationService as AllocationV2 } from "#gen/worldservice/v2/allocation_service_pb.ts";
import { RebalanceService } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { expectGolden } from "../support/golden.ts";
import { STANDING_CLOCK, startServer, type TestServer } from "../support/server.ts";
import { type Calls, caller, reasonOf, responseOf } from "./calls.ts";
import { BOOK, OVERLAY, UPSERT } from "./requests.ts";

const { listAuditEntries } = AuditService.method;
const { upsertAllocations } = AllocationService.method;

describe("contract of ListAuditEntries", () => {
  let open: TestServer;
  let call: Calls;
  beforeEach(async () => {
    open = await startServer({ compat_rebalance_v2: true }, { clock: STANDING_CLOCK });
    call = caller(open.transport);
  });
  afterEach(() => open.stop());

  async function entries(request: JsonObject): Promise<JsonObject[]> {
    return (responseOf(await call(listAuditEntries, request)).entries ?? []) as JsonObject[];
  }

  it("tells what was done to a world, and to the book", async () => {
    await call(upsertAllocations, { ...UPSERT, runId: "upserted" });
    await call(RebalanceService.method.applyRebalance, { runId: "applied", rebalance: BOOK });
    await call(RebalanceService.method.applyRebalance, {
      runId: "overlaid",
      rebalance: { ...BOOK, overlay: OVERLAY },
    });
    expectGolden("v1/list-audit-entries.world", await call(listAuditEntries, { worldId: "alpha" }));
    expectGolden("v1/list-audit-entries.book", await call(listAuditEntries, {}));
  });

  it("lists in commit order, page by page, whatever was committed meanwhile", async () => {
    const names = Array.from({ length: 7 }, (_, i) => `run-${i}`);
    for (const runId of names) await call(upsertAllocations, { ...UPSERT, runId });
    const found: string[][] = [];
    let pageToken = "";
    do {
      const page = responseOf(await call(listAuditEntries, { worldId: "beta", pageSize: 3, pageToken }));
      found.push(((page.entries ?? []) as JsonObject[]).map(({ runId }) => String(runId)));
      pageToken = String(page.nextPageToken ?? "");
      if (found.length === 1) await call(upsertAllocations, { ...UPSERT, runId: "run-7" });
    } while (pageToken !== "");
    expect(found).to.deep.equal([names.slice(0, 3), names.slice(3, 6), ["run-6", "run-7"]]);
  });

  it("has one line per run, however often the run was sent, and none for a refusal", async () => {
    for (let turn = 0; turn < 3; turn++) await call(upsertAllocations, { ...UPSERT, runId: "run-1" });
    const tooMuch = { ...UPSERT, runId: "run-2", worldAllocations: { alpha: 0.9, beta: 0.9 } };
    expect(reasonOf(await call(AllocationV2.method.upsertAllocations, tooMuch))).to.equal(
      "ALLOCATION_SUM_EXCEEDED",
    );
    expect(await entries({ worldId: "alpha" })).to.have.length(1);
  });

  it("finds the lines of one run", async () => {
    for (const runId of ["run-1", "run-2", "run-3"]) await call(upsertAllocations, { ...UPSERT, runId });
    const found = await entries({ worldId: "alpha", runId: "run-2" });
    expect(found.map(({ runId }) => runId)).to.deep.equal(["run-2"]);
  });

  it("is empty for a world that nothing happened to, and refuses tokens that are not its own", async () => {
    expect(await entries({ worldId: "nobody" })).to.deep.equal([]);
    for (const pageToken of ["x", Buffer.from('["a",1]').toString("base64url")]) {
      expect(reasonOf(await call(listAuditEntries, { pageToken })), pageToken).to.equal("INVALID_FIELD");
    }
  });
});
