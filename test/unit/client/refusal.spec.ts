import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { codeName, createClients, isRefusal, refusalOf } from "../../../src/client/index.ts";
import { startServer, type TestServer } from "../../support/server.ts";

describe("refusals as the client reads them", () => {
  let server: TestServer;

  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  const failure = (call: Promise<unknown>) =>
    call.then(
      () => expect.fail("it did not fail"),
      (error: unknown) => error,
    );

  it("tell the reason and the fields", async () => {
    const { v1 } = createClients(server.transport);
    const error = await failure(v1.rebalance.planRebalance({ rebalance: { totalEquity: -1 } }));
    const { code, reason, violations, retryAfterMs } = refusalOf(error);
    expect({ code: codeName(code), reason, retryAfterMs }).to.deep.equal({
      code: "INVALID_ARGUMENT",
      reason: "INVALID_FIELD",
      retryAfterMs: undefined,
    });
    expect(violations.map(({ field }) => field)).to.deep.equal(["rebalance.total_equity"]);
  });

  it("tell the metadata", async () => {
    const { v2 } = createClients(server.transport);
    const error = await failure(v2.allocations.getAllocationRun({ runId: "r-1" }));
    expect(isRefusal(error, "RUN_NOT_FOUND")).to.equal(true);
    expect(isRefusal(error, "WORLD_NOT_FOUND")).to.equal(false);
    expect([...refusalOf(error).metadata]).to.deep.equal([["run_id", "r-1"]]);
  });

  it("say of anything else that nothing is known", () => {
    expect(refusalOf(new Error("broken"))).to.deep.include({
      code: Code.Unknown,
      reason: "",
      message: "broken",
    });
  });
});
