import { expect } from "chai";
import { DomainError } from "../../../../src/domain/errors.ts";
import { type StageObserver, type Stages, stagesOf } from "../../../../src/orchestration/shared/stages.ts";

async function failureOf(attempt: Promise<unknown>): Promise<unknown> {
  return attempt.then(
    () => expect.fail("did not fail"),
    (error: unknown) => error,
  );
}

/** A call of ten seconds, on a clock that only moves when it is told to. */
function callOf(observeStage: StageObserver = () => undefined, timeoutMs = 10_000, signal?: AbortSignal) {
  let nowMs = 1_000;
  const clock = { now: () => 0, monotonic: () => nowMs };
  const stages: Stages = stagesOf({ observeStage, clock }, { timeoutMs, ...(signal && { signal }) });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { stages, pass };
}

describe("a stage of the orchestrator", () => {
  it("is told to the observer when it begins and when it has ended well, and is waited for", async () => {
    const seen: string[] = [];
    const observe = async (stage: string, moment: string) => {
      await Promise.resolve();
      seen.push(`${stage} ${moment}`);
    };
    const result = await callOf(observe).stages("context", () => {
      seen.push("work");
      return 7;
    });
    expect(result).to.equal(7);
    expect(seen).to.deep.equal(["context begin", "work", "context end"]);
  });

  it("names itself in the metadata of a refusal and keeps everything else of it", async () => {
    const cause = new Error("why");
    const refusal = new DomainError("LOCK_TIMEOUT", "busy", {
      metadata: { world_id: "alpha" },
      retryAfterMs: 5,
      violations: [{ field: "a", description: "b" }],
      cause,
    });
    const error = await failureOf(callOf().stages("acquire", () => Promise.reject(refusal)));
    if (!(error instanceof DomainError)) throw error;
    expect(error.metadata).to.deep.equal({ world_id: "alpha", stage: "acquire" });
    expect([error.reason, error.message, error.retryAfterMs]).to.deep.equal(["LOCK_TIMEOUT", "busy", 5]);
    expect(error.violations).to.deep.equal(refusal.violations);
    expect(error.cause).to.equal(cause);
  });

  it("names itself where the failure is none of ours, and keeps what was thrown as the cause", async () => {
    const bug = new TypeError("x is not a function");
    const error = await failureOf(callOf().stages("compute_and_save", () => Promise.reject(bug)));
    expect(error).to.be.instanceOf(Error).and.not.instanceOf(DomainError);
    expect((error as Error).message).to.equal("stage compute_and_save failed");
    expect((error as Error).cause).to.equal(bug);
  });

  const never = () => expect.fail("the stage began");

  for (const [stage, leftMs] of [
    ["acquire", -1],
    ["context", -1],
    ["execute", -1],
    ["compute_and_save", 249],
  ] as const) {
    it(`does not begin ${stage} with ${leftMs} ms left, and says so`, async () => {
      const { stages, pass } = callOf();
      pass(10_000 - leftMs);
      const error = await failureOf(stages(stage, never));
      if (!(error instanceof DomainError)) throw error;
      expect(error.reason).to.equal("DEADLINE_EXCEEDED");
      expect(error.metadata).to.deep.equal({ stage, left_ms: String(Math.max(0, leftMs)) });
    });
  }

  it("begins to save with the last quarter second, and in a short call with the last quarter", async () => {
    for (const [timeoutMs, passedMs] of [
      [10_000, 9_750],
      [100, 75],
    ] as const) {
      const { stages, pass } = callOf(undefined, timeoutMs);
      pass(passedMs);
      expect(await stages("compute_and_save", () => "saved")).to.equal("saved");
      pass(1);
      expect(await failureOf(stages("compute_and_save", never))).to.have.property(
        "reason",
        "DEADLINE_EXCEEDED",
      );
    }
  });

  it("does not begin once the caller is gone, and keeps why", async () => {
    const gone = new AbortController();
    const { stages } = callOf(undefined, 10_000, gone.signal);
    const why = new Error("the stream was reset");
    gone.abort(why);
    expect(await failureOf(stages("context", never))).to.have.property("cause", why);
  });
});
