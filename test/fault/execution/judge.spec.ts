import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect } from "chai";
import {
  type ExecutionLegSchema,
  ExecutionSchema,
  LegState,
} from "#gen/worldservice/v1/execution_service_pb.ts";
import { ExecutionStatus } from "#gen/worldservice/v1/order_pb.ts";
import { verdictOf } from "./judge.ts";

type Leg = MessageInitShape<typeof ExecutionLegSchema>;

const execution = (status: ExecutionStatus, legs: Leg[]) =>
  create(ExecutionSchema, { runId: "r", status, legs });
const leg = (clientOrderId: string, state: LegState): Leg => ({ clientOrderId, state, attempts: 1 });
const log = (taken: Record<string, number>, calls: Record<string, number> = { r: 1 }) => ({
  taken: new Map(Object.entries(taken)),
  calls: new Map(Object.entries(calls)),
});

describe("the judge of the execution crash suite", () => {
  const done = execution(ExecutionStatus.DONE, [leg("a", LegState.FILLED), leg("b", LegState.FILLED)]);

  it("finds nothing where nothing is wrong", () => {
    const verdict = verdictOf("neither", [done], log({ a: 1, b: 1 }));
    const { orders, ...findings } = verdict;
    expect(orders).to.equal(2);
    expect(Object.values(findings).every((count) => count === 0)).to.equal(true);
  });

  it("finds orders that were placed twice, never placed, or placed by nobody", () => {
    const verdict = verdictOf("lookup", [done], log({ a: 2, stranger: 1 }));
    expect(verdict).to.deep.include({ doubled: 1, missing: 1, unintended: 1 });
  });

  it("finds what was sent again although nobody could tell", () => {
    expect(verdictOf("neither", [done], log({ a: 1, b: 1 }, { r: 2 })).resent).to.equal(1);
    expect(verdictOf("idempotent", [done], log({ a: 1, b: 1 }, { r: 2 })).resent).to.equal(0);
  });

  it("finds orders that are denied, left in doubt although the executor could tell, or never settled", () => {
    const denied = execution(ExecutionStatus.FAILED, [leg("a", LegState.CANCELLED)]);
    const doubted = execution(ExecutionStatus.IN_DOUBT, [leg("b", LegState.IN_DOUBT)]);
    const open = execution(ExecutionStatus.INTENT, [leg("c", LegState.INTENT)]);
    const verdict = verdictOf("lookup", [denied, doubted, open], log({ a: 1, b: 1 }));
    expect(verdict).to.deep.include({ denied: 1, untold: 1, inDoubt: 1, unsettled: 1 });
  });
});
