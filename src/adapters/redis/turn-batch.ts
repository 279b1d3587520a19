/** Requests that share round trips: those made in one turn of the event loop travel in one script call. */
export interface TurnBatch<Request, Answer> {
  ask(request: Request): Promise<Answer>;
  /** Resolves when everything asked for was sent. */
  sent(): Promise<void>;
}

interface Waiting<Request, Answer> {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export interface TurnBatchOptions<Request, Answer> {
  /** Answers all of them, in order, or rejects for all. */
  send(requests: readonly Request[]): Promise<readonly Answer[]>;
  /** A batch ends with the request that brings its weight to this. */
  readonly maxWeight: number;
  weigh(request: Request): number;
}

/**
 * One batch leaves per turn; what does not fit goes with the next one. So a crowd of callers splits into groups whose
 * turns interleave: Redis works on one group while this process works on the other.
 */
export function turnBatch<Request, Answer>(
  options: TurnBatchOptions<Request, Answer>,
): TurnBatch<Request, Answer> {
  let waiting: Waiting<Request, Answer>[] = [];
  let scheduled = false;

  function flush(): void {
    const batch = waiting.slice(0, fitting());
    waiting = waiting.slice(batch.length);
    scheduled = waiting.length > 0;
    if (scheduled) setImmediate(flush);
    void settle(batch);
  }

  function fitting(): number {
    let weight = 0;
    const last = waiting.findIndex(({ request }) => {
      weight += options.weigh(request);
      return weight >= options.maxWeight;
    });
    return last < 0 ? waiting.length : last + 1;
  }

  async function settle(batch: readonly Waiting<Request, Answer>[]): Promise<void> {
    try {
      const answers = await options.send(batch.map(({ request }) => request));
      // The scripts answer every request; a missing answer would leave a caller without end.
      if (answers.length !== batch.length) throw new Error("Redis answered another number of requests");
      for (const [i, answer] of answers.entries()) batch[i]?.resolve(answer);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  return {
    ask(request) {
      return new Promise((resolve, reject) => {
        waiting.push({ request, resolve, reject });
        if (scheduled) return;
        scheduled = true;
        // Behind all microtasks of the turn: callers woken by one reply ask again before this runs.
        process.nextTick(flush);
      });
    },
    async sent() {
      while (waiting.length > 0) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
