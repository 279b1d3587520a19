import { DomainError } from "../../domain/errors.ts";
import type { CallOptions, WriteDeps } from "./deps.ts";

/** The stages of the orchestrator, as errors, spans and audit name them. */
export type Stage = "acquire" | "context" | "compute_and_save" | "execute";

/**
 * Told when a stage begins and when it has ended well. May be awaited for: tracing opens and closes spans with it, the
 * fault suites stop a process between two stages with it.
 */
export type StageObserver = (stage: Stage, moment: "begin" | "end") => void | Promise<void>;

export const unobserved: StageObserver = () => undefined;

/** Runs the stages of one call, each only while there is time for it. */
export type Stages = <T>(stage: Stage, work: () => T | Promise<T>) => Promise<T>;

/** What a stage that writes must have before it begins: a commit that is under way is not called back. */
const COMMIT_NEEDS_MS = 250;
/** Of a short deadline it needs no more than this part. */
const COMMIT_NEEDS_PART = 0.25;

/**
 * The stages of a call, timed from now on. A stage that begins too late does not begin: DEADLINE_EXCEEDED with its
 * name, and nothing of it has happened.
 */
export function stagesOf(
  { observeStage, clock }: Pick<WriteDeps, "observeStage" | "clock">,
  { timeoutMs, signal }: CallOptions,
): Stages {
  const endsAt = clock.monotonic() + timeoutMs;
  const commitNeeds = Math.min(COMMIT_NEEDS_MS, timeoutMs * COMMIT_NEEDS_PART);
  return (stage, work) =>
    atStage(observeStage, stage, () => {
      signal?.throwIfAborted();
      const leftMs = endsAt - clock.monotonic();
      if (leftMs < (stage === "compute_and_save" ? commitNeeds : 0)) throw tooLate(leftMs);
      return work();
    });
}

function tooLate(leftMs: number): DomainError {
  return new DomainError("DEADLINE_EXCEEDED", "too little time was left; nothing of this stage was done", {
    metadata: { left_ms: String(Math.max(0, Math.floor(leftMs))) },
  });
}

/** Runs one stage; what fails in it carries the stage's name. */
async function atStage<T>(observe: StageObserver, stage: Stage, work: () => T | Promise<T>): Promise<T> {
  try {
    await observe(stage, "begin");
    const result = await work();
    await observe(stage, "end");
    return result;
  } catch (error) {
    throw named(error, stage);
  }
}

function named(error: unknown, stage: Stage): unknown {
  if (!(error instanceof DomainError)) return new Error(`stage ${stage} failed`, { cause: error });
  const { message, violations, retryAfterMs, cause } = error;
  return new DomainError(error.reason, message, {
    metadata: { ...error.metadata, stage },
    violations,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    cause,
  });
}
