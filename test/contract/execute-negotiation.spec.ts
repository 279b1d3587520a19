import type { JsonObject } from "@bufbuild/protobuf";
import { expect } from "chai";
import { RebalanceService as V1 } from "#gen/worldservice/v1/rebalance_service_pb.ts";
import { RebalanceService as V2 } from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { callJson, type Outcome } from "../support/golden.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { BOOK, OVERLAY } from "./requests.ts";

const METHODS = { v1: V1.method.executeRebalance, v2: V2.method.executeRebalance };
const TOO_LOW = "SCHEMA_VERSION_TOO_LOW";
const UNSUPPORTED = "SCHEMA_VERSION_UNSUPPORTED";

/** Answers for schema_version 0, 1, 2 and 3 of each package, as the contract's table has them. */
const TABLE = [
  {
    gates: { compat_rebalance_v2: false, alpha_metrics_required: false },
    v1: ["1", "1", UNSUPPORTED, UNSUPPORTED],
    v2: ["1", "1", "1", UNSUPPORTED],
    overlay: "MODE_REQUIRES_V2",
  },
  {
    gates: { compat_rebalance_v2: true, alpha_metrics_required: false },
    v1: ["1", "1", UNSUPPORTED, UNSUPPORTED],
    v2: ["2", "1", "2", UNSUPPORTED],
    overlay: "2",
  },
  {
    gates: { compat_rebalance_v2: true, alpha_metrics_required: true },
    v1: [TOO_LOW, TOO_LOW, UNSUPPORTED, UNSUPPORTED],
    v2: ["2", TOO_LOW, "2", UNSUPPORTED],
    overlay: "2",
  },
] as const;

function summary(outcome: Outcome): string {
  if ("response" in outcome) return String((outcome.response as JsonObject).schemaVersion);
  const { errorInfo } = outcome.error as { errorInfo: JsonObject[] };
  return errorInfo.map((info) => String(info.reason)).join();
}

for (const { gates, overlay, ...answers } of TABLE) {
  describe(`negotiation of ExecuteRebalance with ${JSON.stringify(gates)}`, () => {
    let open: TestServer;
    before(async () => {
      open = await startServer(gates);
    });
    after(() => open.stop());

    for (const version of ["v1", "v2"] as const) {
      it(`follows the contract's table in ${version}, and tells the gates`, async () => {
        for (const [schemaVersion, expected] of answers[version].entries()) {
          const rebalance = { ...BOOK, schemaVersion };
          const outcome = await callJson(open.transport, METHODS[version], { rebalance });
          expect(summary(outcome), `schema_version ${schemaVersion}`).to.equal(expected);
          if (!("response" in outcome)) continue;
          expect(outcome.response).to.deep.include({
            rebalanceSchemaVersion: gates.compat_rebalance_v2 ? 2 : 1,
            ...(gates.compat_rebalance_v2 ? { compatRebalanceV2: true, alphaMetricsCapable: true } : {}),
            ...(gates.alpha_metrics_required ? { alphaMetricsRequired: true } : {}),
          });
        }
      });
    }

    it("shapes overlay orders only where schema version 2 is spoken", async () => {
      const outcome = await callJson(open.transport, METHODS.v2, {
        rebalance: { ...BOOK, overlay: OVERLAY },
      });
      expect(summary(outcome)).to.equal(overlay);
    });
  });
}
