/** What the attempts of one run say together. */
import type { Attempt, History, Run } from "./history.ts";

export interface RunVerdict {
  /** What was acknowledged; before that, what was sent first. */
  run: Run;
  /** At least one attempt was acknowledged: it must be in the feed. */
  acknowledged: boolean;
  /** Acknowledged, or some attempt was left open: it may be in the feed. */
  mayHaveHappened: boolean;
  /** When the first attempt left. */
  sentAt: number;
  /** When the first acknowledgement came; infinite without one. */
  answeredAt: number;
  /** Digests of all answers: equal requests must have one. */
  readonly answers: Set<string>;
}

export function runVerdicts({ attempts }: History): Map<string, RunVerdict> {
  const verdicts = new Map<string, RunVerdict>();
  for (const attempt of attempts) {
    const { run } = attempt;
    const verdict = verdicts.get(run.runId) ?? unheardOf(run);
    verdicts.set(run.runId, verdict);
    add(verdict, attempt);
  }
  return verdicts;
}

function unheardOf(run: Run): RunVerdict {
  return {
    run,
    acknowledged: false,
    mayHaveHappened: false,
    sentAt: Number.POSITIVE_INFINITY,
    answeredAt: Number.POSITIVE_INFINITY,
    answers: new Set(),
  };
}

function add(verdict: RunVerdict, { run, verdict: came, invokedAt, returnedAt, answer }: Attempt): void {
  verdict.sentAt = Math.min(verdict.sentAt, invokedAt);
  if (came !== "fail") verdict.mayHaveHappened = true;
  if (came !== "ok") return;
  if (!verdict.acknowledged) verdict.run = run; // others may have sent another request with this id, and were refused
  verdict.acknowledged = true;
  verdict.answeredAt = Math.min(verdict.answeredAt, returnedAt);
  verdict.answers.add(answer);
}
