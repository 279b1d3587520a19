import { DomainError } from "../../domain/errors.ts";

/** The stages of the orchestrator, as errors, spans and audit name them. */
export type Stage = "acquire" | "context" | "compute_and_save" | "execute";

/**
 * Told when a stage begins and when it has ended well. May be awaited for: tracing opens and closes spans with it, the
 * fault suites stop a process between two stages with it.
 */
export type StageObserver = (stage: Stage, moment: "begin" | "end") => void | Promise<void>;

export const unobserved: StageObserver = () => undefined;

/** Runs one stage; what fails in it carries the stage's name. */
export async function atStage<T>(
  observe: StageObserver,
  stage: Stage,
  work: () => T | Promise<T>,
): Promise<T> {
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
