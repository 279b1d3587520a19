import { expect } from "chai";
import { DomainError } from "../../../../src/domain/errors.ts";
import { atStage } from "../../../../src/orchestration/shared/stages.ts";

async function failureOf(attempt: Promise<unknown>): Promise<unknown> {
  return attempt.then(
    () => expect.fail("did not fail"),
    (error: unknown) => error,
  );
}

describe("a stage of the orchestrator", () => {
  it("is told to the observer when it begins and when it has ended well, and is waited for", async () => {
    const seen: string[] = [];
    const observe = async (stage: string, moment: string) => {
      await Promise.resolve();
      seen.push(`${stage} ${moment}`);
    };
    const result = await atStage(observe, "context", () => {
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
    const error = await failureOf(
      atStage(
        () => undefined,
        "acquire",
        () => Promise.reject(refusal),
      ),
    );
    if (!(error instanceof DomainError)) throw error;
    expect(error.metadata).to.deep.equal({ world_id: "alpha", stage: "acquire" });
    expect([error.reason, error.message, error.retryAfterMs]).to.deep.equal(["LOCK_TIMEOUT", "busy", 5]);
    expect(error.violations).to.deep.equal(refusal.violations);
    expect(error.cause).to.equal(cause);
  });

  it("names itself where the failure is none of ours, and keeps what was thrown as the cause", async () => {
    const bug = new TypeError("x is not a function");
    const error = await failureOf(
      atStage(
        () => undefined,
        "compute_and_save",
        () => Promise.reject(bug),
      ),
    );
    expect(error).to.be.instanceOf(Error).and.not.instanceOf(DomainError);
    expect((error as Error).message).to.equal("stage compute_and_save failed");
    expect((error as Error).cause).to.equal(bug);
  });
});
