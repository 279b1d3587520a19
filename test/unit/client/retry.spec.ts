import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { expect } from "chai";
import {
  AllocationService,
  UpsertAllocationsResponseSchema,
} from "#gen/worldservice/v2/allocation_service_pb.ts";
import { RetryInfoSchema } from "#thirdparty/google/rpc/error_details_pb.ts";
import { type RetryOptions, withRetries } from "../../../src/client/index.ts";

const REQUEST = { runId: "r-1", totalEquity: 1, worldAllocations: { alpha: 0.5 } };

function busy(retryAfterMs?: number): ConnectError {
  const details =
    retryAfterMs === undefined
      ? []
      : [{ desc: RetryInfoSchema, value: { retryDelay: durationFromMs(retryAfterMs) } }];
  return new ConnectError("busy", Code.Unavailable, undefined, details);
}

/** A service that answers with these errors in turn, then well. */
function setUp(errors: readonly ConnectError[], options: RetryOptions = {}) {
  const left = [...errors];
  const seen: string[] = [];
  const pauses: number[] = [];
  const transport = createRouterTransport(({ service }) => {
    service(AllocationService, {
      upsertAllocations({ runId }) {
        seen.push(runId);
        const error = left.shift();
        if (error !== undefined) throw error;
        return create(UpsertAllocationsResponseSchema, { runId });
      },
    });
  });
  const timing = {
    random: () => 0.5,
    sleep: async (ms: number) => {
      pauses.push(ms);
    },
  };
  return {
    client: createClient(AllocationService, withRetries(transport, { timing, ...options })),
    seen,
    pauses,
  };
}

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  return call.then(
    () => expect.fail("it did not fail"),
    (error: unknown) => ConnectError.from(error),
  );
}

describe("retries of the client", () => {
  it("repeat a call that the service asked to be repeated, with the same run id", async () => {
    const { client, seen } = setUp([busy(100), busy(100)]);
    expect((await client.upsertAllocations(REQUEST)).runId).to.equal("r-1");
    expect(seen).to.deep.equal(["r-1", "r-1", "r-1"]);
  });

  it("wait at least as long as the service says, and longer from time to time", async () => {
    const { client, pauses } = setUp([busy(100), busy(100), busy(100)]);
    await client.upsertAllocations(REQUEST);
    expect(pauses).to.deep.equal([150, 200, 300]);
  });

  it("leave an error without RetryInfo to the caller", async () => {
    const { client, seen } = setUp([busy()]);
    expect((await failure(client.upsertAllocations(REQUEST))).code).to.equal(Code.Unavailable);
    expect(seen).to.have.length(1);
  });

  it("end with the last error when every attempt failed", async () => {
    const { client, seen } = setUp(
      Array.from({ length: 9 }, () => busy(1)),
      { attempts: 3 },
    );
    expect((await failure(client.upsertAllocations(REQUEST))).rawMessage).to.equal("busy");
    expect(seen).to.have.length(3);
  });

  it("stop when the budget over all calls is spent, and earn it back by answers", async () => {
    const errors = Array.from({ length: 5 }, () => busy(1));
    const { client, seen } = setUp(errors, { budget: 2, refill: 1 });
    await failure(client.upsertAllocations(REQUEST)); // 1 call, 2 repeats: the budget is gone
    expect(seen).to.have.length(3);
    await failure(client.upsertAllocations(REQUEST));
    expect(seen).to.have.length(4);
    await failure(client.upsertAllocations(REQUEST));
    await client.upsertAllocations(REQUEST);
    expect(seen).to.have.length(6);
  });

  it("do not wait beyond the deadline of the call", async () => {
    const { client, seen, pauses } = setUp([busy(60_000)]);
    await failure(client.upsertAllocations(REQUEST, { timeoutMs: 5_000 }));
    expect(seen).to.have.length(1);
    expect(pauses).to.deep.equal([]);
  });

  it("end when the caller gives up during the pause", async () => {
    const stop = new AbortController();
    const timing = { random: () => 0, sleep: async () => stop.abort() };
    const { client, seen } = setUp([busy(10)], { timing });
    const error = await failure(client.upsertAllocations(REQUEST, { signal: stop.signal }));
    expect(error.code).to.equal(Code.Canceled);
    expect(seen).to.have.length(1);
  });
});
