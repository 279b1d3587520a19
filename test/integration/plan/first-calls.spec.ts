/** A plan for clients that are not ours: grpc-js, and buf curl with nothing but the server's reflection. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fromBinary, fromJson, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { expect } from "chai";
import {
  PlanRebalanceRequestSchema,
  type PlanRebalanceResponse,
  PlanRebalanceResponseSchema,
} from "#gen/worldservice/v2/rebalance_service_pb.ts";
import { BOOK } from "../../contract/requests.ts";
import { startServer, type TestServer } from "../../support/server.ts";

const run = promisify(execFile);

describe("the first calls of a newcomer", () => {
  let open: TestServer;
  before(async () => {
    open = await startServer({ compat_rebalance_v2: true });
  });
  after(() => open.stop());

  it("plans for grpc-js", async () => {
    const client = new grpc.Client(`127.0.0.1:${open.port}`, grpc.credentials.createInsecure());
    const request = Buffer.from(
      toBinary(PlanRebalanceRequestSchema, fromJson(PlanRebalanceRequestSchema, { rebalance: BOOK })),
    );
    const response = await new Promise<PlanRebalanceResponse>((resolve, reject) => {
      client.makeUnaryRequest(
        "/worldservice.v2.RebalanceService/PlanRebalance",
        (bytes: Buffer) => bytes,
        (bytes) => fromBinary(PlanRebalanceResponseSchema, bytes),
        request,
        (error, value) => (value === undefined ? reject(error ?? new Error("no answer")) : resolve(value)),
      );
    });
    client.close();
    expect(response.plan?.schemaVersion).to.equal(2);
    expect(Object.keys(response.plan?.perWorld ?? {}).sort()).to.deep.equal(["alpha", "beta"]);
  });

  for (const version of ["v1", "v2"]) {
    it(`plans in ${version} for buf curl, which learns the contract from reflection`, async () => {
      const { stdout } = await run("node_modules/.bin/buf", [
        "curl",
        "--http2-prior-knowledge",
        "--protocol=grpc",
        `--data=${JSON.stringify({ rebalance: BOOK })}`,
        `${open.baseUrl}/worldservice.${version}.RebalanceService/PlanRebalance`,
      ]);
      const { plan } = JSON.parse(stdout) as { plan: { perWorld: Record<string, { scaleWorld: number }> } };
      expect(plan.perWorld.beta?.scaleWorld).to.be.closeTo(1.5, 1e-9);
    });
  }
});
