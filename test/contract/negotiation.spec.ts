import type { DescMethodUnary, JsonObject } from "@bufbuild/protobuf";
import { expect } from "chai";
import { AllocationService as AllocationV1 } from "#gen/worldservice/v1/allocation_service_pb.ts";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { RebalanceService as V1 } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { AllocationService as AllocationV2 } from "#gen/worldservice/v2/allocation_service_pb.ts";
import { RebalanceService as V2 } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { callJson, expectGolden, type Outcome } from "../support/golden.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { BOOK, OVERLAY } from "./requests.ts";

const GATES = [
  { compat_rebalance_v2: false, alpha_metrics_required: false },
  { compat_rebalance_v2: true, alpha_metrics_required: false },
  { compat_rebalance_v2: true, alpha_metrics_required: true },
] as const;

const UPSERT: JsonObject = {
  totalEquity: 1_000_000,
  worldAllocations: { alpha: 0.3, beta: 0.3 },
  positions: BOOK.positions ?? [],
};

interface Call {
  readonly name: string;
  readonly method: DescMethodUnary;
  readonly request: (version: number, mode: JsonObject, runId: string) => JsonObject;
}

const inRebalance = (version: number, mode: JsonObject): JsonObject => ({
  rebalance: { ...BOOK, ...mode, schemaVersion: version },
});
const withRun = (version: number, mode: JsonObject, runId: string): JsonObject => ({
  ...inRebalance(version, mode),
  runId,
});
const upsert = (version: number, mode: JsonObject, runId: string): JsonObject => ({
  ...UPSERT,
  ...mode,
  runId,
  schemaVersion: version,
});

const CALLS: Record<"v1" | "v2", Call[]> = {
  v1: [
    { name: "plan", method: V1.method.planRebalance, request: inRebalance },
    { name: "apply", method: V1.method.applyRebalance, request: withRun },
    { name: "upsert", method: AllocationV1.method.upsertAllocations, request: upsert },
  ],
  v2: [
    { name: "plan", method: V2.method.planRebalance, request: inRebalance },
    { name: "apply", method: V2.method.applyRebalance, request: withRun },
    { name: "upsert", method: AllocationV2.method.upsertAllocations, request: upsert },
  ],
};

/** What the contract's table says: version and downgrade, or the reason of the refusal. */
function expected(version: "v1" | "v2", asked: number, gates: (typeof GATES)[number]): string {
  const { compat_rebalance_v2: compat, alpha_metrics_required: isRequired } = gates;
  if (asked < 0) return "INVALID_FIELD";
  if (asked > (version === "v1" ? 1 : 2)) return "SCHEMA_VERSION_UNSUPPORTED";
  const wanted = version === "v1" || asked === 1 ? 1 : 2;
  if (wanted === 1) return isRequired ? "SCHEMA_VERSION_TOO_LOW" : "1";
  return compat ? "2" : "1 downgraded";
}

function planOf(outcome: Outcome): JsonObject | undefined {
  return "response" in outcome ? ((outcome.response as JsonObject).plan as JsonObject) : undefined;
}

function summary(outcome: Outcome): string {
  const plan = planOf(outcome);
  if (plan !== undefined) return `${plan.schemaVersion}${plan.downgraded ? " downgraded" : ""}`;
  const { errorInfo } = (outcome as { error: JsonObject }).error as { errorInfo: JsonObject[] };
  return errorInfo.map((info) => String(info.reason)).join();
}

for (const gates of GATES) {
  const title = `compat=${gates.compat_rebalance_v2}, required=${gates.alpha_metrics_required}`;
  describe(`negotiation with ${title}`, () => {
    let open: TestServer;
    let runs = 0;
    before(async () => {
      open = await startServer(gates);
    });
    after(() => open.stop());

    for (const version of ["v1", "v2"] as const) {
      for (const { name, method, request } of CALLS[version]) {
        for (const asked of [-1, 0, 1, 2, 3, 4]) {
          it(`answers ${name} of ${version} with schema_version ${asked} as the contract's table says`, async () => {
            const outcome = await callJson(open.transport, method, request(asked, {}, `run-${++runs}`));
            expect(summary(outcome)).to.equal(expected(version, asked, gates));
            const plan = planOf(outcome);
            const isTwo = plan?.schemaVersion === 2;
            expect(plan?.alphaMetrics !== undefined, "alpha metrics").to.equal(isTwo);
            expect(plan?.rebalanceIntent !== undefined, "intent").to.equal(isTwo);
          });
        }
      }
    }

    for (const { name, method, request } of CALLS.v2) {
      for (const mode of [{ overlay: OVERLAY }, { hybrid: { overlay: OVERLAY } }]) {
        it(`answers ${Object.keys(mode)} in ${name} only where schema version 2 is spoken`, async () => {
          const outcome = await callJson(open.transport, method, request(0, mode, `run-${++runs}`));
          expect(summary(outcome)).to.equal(gates.compat_rebalance_v2 ? "2" : "MODE_REQUIRES_V2");
        });
      }
    }

    it("tells the gates in GetCapabilities", async () => {
      const outcome = await callJson(open.transport, CapabilityService.method.getCapabilities, {});
      expectGolden(`v1/get-capabilities.${title.replaceAll(/[^a-z=]+/g, "-")}`, outcome);
    });
  });
}
