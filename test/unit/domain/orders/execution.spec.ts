import { expect } from "chai";
import type { LegState } from "../../../../src/domain/events/types.ts";
import {
  doubted,
  type Execution,
  type ExecutionLeg,
  ended,
  intended,
  isSendable,
  notTaken,
  resolvedLeg,
  statusOf,
} from "../../../../src/domain/orders/execution.ts";
import {
  isAbsent,
  type ReportedStatus,
  readStatuses,
  withStatus,
} from "../../../../src/domain/orders/statuses.ts";
import { executionOf, NOW, statesOf } from "./execution-fixture.ts";

const LATER = NOW + 5;
const legIn = (state: LegState): ExecutionLeg => executionOf([state]).legs[0] as ExecutionLeg;
const said = (changes: Partial<ReportedStatus>): ReportedStatus => ({
  clientOrderId: "o0",
  state: "ACCEPTED",
  fills: [],
  message: "",
  ...changes,
});
const fill = (quantity: number, price = 5) => ({ quantity, price, filledAtMs: 0 });

describe("the status of an execution", () => {
  for (const [states, status] of [
    [[], "DONE"],
    [["PLANNED", "PLANNED"], "PLANNED"],
    [["INTENT", "FILLED"], "INTENT"],
    [["IN_DOUBT", "SUBMITTED", "FILLED"], "IN_DOUBT"],
    [["SUBMITTED", "FILLED", "REJECTED"], "SUBMITTED"],
    [["PARTIALLY_FILLED", "FILLED"], "SUBMITTED"],
    [["FILLED", "FILLED"], "DONE"],
    [["FILLED", "REJECTED"], "FAILED"],
    [["FILLED", "CANCELLED"], "FAILED"],
  ] as const) {
    it(`is ${status} for [${states.join(", ")}]`, () => {
      expect(statusOf(executionOf(states).legs)).to.equal(status);
    });
  }
});

describe("an intent", () => {
  it("counts the attempt, notes the time, and takes away the certainty that nothing was sent", () => {
    const { header, legs } = intended(executionOf(["PLANNED"]), ({ state }) => isSendable(state), LATER);
    expect(header).to.deep.include({ status: "INTENT", sentAtMs: LATER, unsent: false, step: 2 });
    expect(legs[0]).to.deep.include({ state: "INTENT", attempts: 1, updatedAtMs: LATER });
  });

  it("leaves a leg in doubt where it is: sending again does not undo that it may have been taken", () => {
    const next = intended(executionOf(["IN_DOUBT", "FILLED"]), ({ state }) => isSendable(state), LATER);
    expect(statesOf(next)).to.deep.equal(["IN_DOUBT", "FILLED"]);
    expect(next.legs.map(({ attempts }) => attempts)).to.deep.equal([1, 0]);
  });
});

describe("what ends an attempt", () => {
  const intent = (): Execution => executionOf(["INTENT", "FILLED"], { unsent: false });

  it("is a doubt for every leg that nobody spoke of", () => {
    const next = doubted(intent(), "no answer", LATER);
    expect(statesOf(next)).to.deep.equal(["IN_DOUBT", "FILLED"]);
    expect(next.header).to.deep.include({ status: "IN_DOUBT", inDoubtCount: 1 });
  });

  it("is final for every leg that was refused or withdrawn, and for no other", () => {
    expect(statesOf(ended(intent(), "REJECTED", "no", LATER))).to.deep.equal(["REJECTED", "FILLED"]);
    expect(ended(intent(), "CANCELLED", "frozen", LATER).header.status).to.equal("FAILED");
  });

  it("leaves everything as it was when nothing was taken, and remembers that", () => {
    const next = notTaken(intent(), true, LATER);
    expect([statesOf(next)[0], next.header.unsent]).to.deep.equal(["INTENT", true]);
  });
});

describe("what an executor says of an order", () => {
  it("moves the leg to what was said, with its fills", () => {
    expect(withStatus(legIn("INTENT"), said({})).state).to.equal("SUBMITTED");
    const partly = withStatus(legIn("INTENT"), said({ state: "PARTIALLY_FILLED", fills: [fill(4)] }));
    expect(partly).to.deep.include({ state: "PARTIALLY_FILLED", filledQuantity: 4 });
    const whole = withStatus(partly, said({ state: "FILLED", fills: [fill(4), fill(6)] }));
    expect(whole).to.deep.include({ state: "FILLED", filledQuantity: 10 });
    const cut = withStatus(partly, said({ state: "CANCELLED", fills: [fill(4)], message: "late" }));
    expect(cut).to.deep.include({ state: "CANCELLED", filledQuantity: 4, message: "late" });
    expect(withStatus(legIn("IN_DOUBT"), said({ state: "FILLED" })).filledQuantity).to.equal(10);
  });

  for (const [what, status] of [
    ["no state", said({ state: undefined })],
    ["an order that it does not know", said({ state: "NOT_FOUND" })],
    ["more filled than ordered", said({ state: "FILLED", fills: [fill(10.1)] })],
    ["filled whole, and less than that", said({ state: "FILLED", fills: [fill(9)] })],
    ["a fill of nothing", said({ state: "PARTIALLY_FILLED", fills: [fill(0)] })],
    ["a negative fill", said({ state: "PARTIALLY_FILLED", fills: [fill(-1)] })],
    ["a price that is no number", said({ state: "PARTIALLY_FILLED", fills: [fill(1, Number.NaN)] })],
    ["a negative price", said({ state: "PARTIALLY_FILLED", fills: [fill(1, -1)] })],
    ["an infinite quantity", said({ state: "PARTIALLY_FILLED", fills: [fill(Number.POSITIVE_INFINITY)] })],
    ["rejected with fills", said({ state: "REJECTED", fills: [fill(1)] })],
  ] as const) {
    it(`says nothing with ${what}`, () => {
      const leg = legIn("INTENT");
      expect(withStatus(leg, status)).to.equal(leg);
    });
  }

  it("never takes back what was known before, however late it comes", () => {
    const filled = withStatus(legIn("INTENT"), said({ state: "FILLED" }));
    expect(withStatus(filled, said({ state: "REJECTED" }))).to.equal(filled);
    const partly = withStatus(legIn("INTENT"), said({ state: "PARTIALLY_FILLED", fills: [fill(4)] }));
    expect(withStatus(partly, said({}))).to.equal(partly);
    expect(withStatus(partly, said({ state: "PARTIALLY_FILLED", fills: [fill(3)] }))).to.equal(partly);
  });

  it("says nothing where two statuses speak of one order", () => {
    const known = readStatuses([said({}), said({ state: "FILLED" }), said({ clientOrderId: "o1" })]);
    expect([...known.keys()]).to.deep.equal(["o1"]);
  });

  it("tells an absent order from one it says nothing of", () => {
    expect([isAbsent(said({ state: "NOT_FOUND" })), isAbsent(undefined), isAbsent(said({}))]).to.deep.equal([
      true,
      false,
      false,
    ]);
  });
});

describe("what an operator found out", () => {
  const resolve = (changes: { isExecuted: boolean; fills?: ReturnType<typeof fill>[] }) =>
    resolvedLeg(legIn("IN_DOUBT"), { clientOrderId: "o0", fills: [], reason: "seen", ...changes });

  it("ends a leg as filled, as cut short, or as never placed", () => {
    expect(resolve({ isExecuted: true })).to.deep.include({ state: "FILLED", filledQuantity: 10 });
    expect(resolve({ isExecuted: true, fills: [fill(4), fill(6)] }).state).to.equal("FILLED");
    expect(resolve({ isExecuted: true, fills: [fill(4)] })).to.deep.include({
      state: "CANCELLED",
      filledQuantity: 4,
    });
    expect(resolve({ isExecuted: false })).to.deep.include({ state: "CANCELLED", message: "seen" });
  });
});
