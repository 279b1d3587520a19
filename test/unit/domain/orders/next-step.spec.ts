import { expect } from "chai";
import type { LegState } from "../../../../src/domain/events/types.ts";
import type { Execution } from "../../../../src/domain/orders/execution.ts";
import { type Abilities, nextStep } from "../../../../src/domain/orders/next-step.ts";
import { executionOf } from "./execution-fixture.ts";

const IDEMPOTENT: Abilities = { idempotentSubmit: true, lookup: false };
const LOOKUP: Abilities = { idempotentSubmit: false, lookup: true };
const BOTH: Abilities = { idempotentSubmit: true, lookup: true };
const NEITHER: Abilities = { idempotentSubmit: false, lookup: false };

function of(states: readonly LegState[], unsent = false): Execution {
  return executionOf(states, { unsent });
}

describe("the next step of an execution that nobody drives", () => {
  for (const [states, unsent, steps] of [
    [["PLANNED", "PLANNED"], true, ["send", "send", "send", "send"]],
    [["INTENT", "INTENT"], true, ["send", "send", "send", "send"]],
    [["INTENT", "INTENT"], false, ["send", "look", "look", "doubt"]],
    [["IN_DOUBT", "FILLED"], false, ["send", "look", "look", "rest"]],
    [["SUBMITTED", "FILLED"], false, ["send", "look", "look", "rest"]],
    [["PARTIALLY_FILLED"], false, ["send", "look", "look", "rest"]],
    [["FILLED", "REJECTED", "CANCELLED"], false, ["rest", "rest", "rest", "rest"]],
    [[], true, ["rest", "rest", "rest", "rest"]],
  ] as const) {
    it(`is ${steps.join(", ")} for [${states.join(", ")}]${unsent ? " of which nothing was taken" : ""}`, () => {
      const execution = of(states, unsent);
      const got = [IDEMPOTENT, LOOKUP, BOTH, NEITHER].map((abilities) => nextStep(execution, abilities));
      expect(got).to.deep.equal(steps);
    });
  }

  it("is never to send again what may have been taken, to an executor that cannot recognise repeats", () => {
    const states: LegState[] = ["INTENT", "IN_DOUBT", "SUBMITTED", "PARTIALLY_FILLED", "FILLED", "REJECTED"];
    for (const state of states) {
      for (const abilities of [LOOKUP, NEITHER])
        expect(nextStep(of([state]), abilities)).not.to.equal("send");
    }
  });
});
