import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { expect } from "chai";
import { CapabilityService } from "#gen/worldservice/v1/capability_service_pb.ts";
import { RetryInfoSchema } from "#thirdparty/google/rpc/error_details_pb.ts";
import { Health } from "#thirdparty/health/v1/health_pb.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { seen } from "../edge/support.ts";
import { AUTH_TOKENS, bearer, principalName } from "./support.ts";

const [KNOWN, OTHER] = [bearer(principalName("reader", "*")), bearer(principalName("owner", "*"))];
const LIMIT = 5;

describe("calls without valid credentials", () => {
  let server: TestServer;
  beforeEach(async () => {
    // One comes back every 200 ms: far longer than the handful of calls between two looks.
    server = await startServer({ auth_tokens: AUTH_TOKENS, auth_failure_limit: `${LIMIT}/s` });
  });
  afterEach(() => server.stop());

  const call = (headers: Record<string, string>) =>
    createClient(CapabilityService, server.transport)
      .getCapabilities({}, { headers })
      .then(
        () => undefined,
        (error: unknown) => ConnectError.from(error),
      );

  it("are refused by address once there are too many, with a delay; who was known goes on", async () => {
    expect(await call(KNOWN)).to.equal(undefined);
    const wrong = await Promise.all(
      Array.from({ length: 20 * LIMIT }, (_, n) => call({ authorization: `Bearer guess-${n}` })),
    );
    const limited = wrong.filter((error) => error?.code === Code.ResourceExhausted);
    const refused = wrong.filter((error) => error?.code === Code.Unauthenticated);
    expect(refused.length).to.be.at.least(LIMIT);
    expect(limited.length)
      .to.equal(wrong.length - refused.length)
      .and.greaterThan(0);
    for (const error of limited) {
      expect(seen(error)).to.include({ reason: "LIMIT_EXCEEDED" });
      expect(error?.findDetails(RetryInfoSchema)).to.have.length(1);
    }
    const [known, other] = await Promise.all([call(KNOWN), call(OTHER)]);
    expect(known).to.equal(undefined);
    expect(other?.code).to.be.oneOf([Code.ResourceExhausted, undefined]);
  });

  it("leave probes alone", async () => {
    for (let n = 0; n < 4 * LIMIT; n++) await call({});
    await createClient(Health, server.transport).check({});
  });
});
