/** What clients saw: every attempt of every run, from their side of the wire. `history-checker.ts` judges it. */

/** One request, whatever its attempts come to. */
export interface Run {
  readonly runId: string;
  readonly rpc: "UpsertAllocations" | "ApplyRebalance";
  /** World → share asked for, in thousandths. */
  readonly shares: ReadonlyMap<string, number>;
  /** World → allocation etag it wants to find. */
  readonly etags: ReadonlyMap<string, string>;
}

/** ok = acknowledged, fail = refused for good, unknown = no answer or one that leaves it open. */
export type Verdict = "ok" | "fail" | "unknown";

export interface Attempt {
  readonly run: Run;
  /** Milliseconds of the harness's monotonic clock. */
  readonly invokedAt: number;
  readonly returnedAt: number;
  readonly verdict: Verdict;
  /** `ErrorInfo.reason`, else the name of the gRPC code; empty when ok. */
  readonly reason: string;
  readonly replayed: boolean;
  /** Digest of the answer's bytes, `replayed` aside; empty unless ok. */
  readonly answer: string;
}

export interface History {
  readonly attempts: readonly Attempt[];
  record(attempt: Attempt): void;
  /** Forgets all attempts of these runs: what a cut took from the disk. */
  forget(runIds: ReadonlySet<string>): void;
}

export function createHistory(): History {
  const attempts: Attempt[] = [];
  return {
    attempts,
    record: (attempt) => void attempts.push(attempt),
    forget(runIds) {
      attempts.splice(0, attempts.length, ...attempts.filter(({ run }) => !runIds.has(run.runId)));
    },
  };
}

export function countOf(history: History, verdict: Verdict): number {
  return history.attempts.reduce((count, attempt) => count + (attempt.verdict === verdict ? 1 : 0), 0);
}
