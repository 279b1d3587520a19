/** Requests that share round trips: those made in one turn of the event loop travel in one script call. */
export interface TurnBatch<Request, Answer> {
  ask(request: Request): Promise<Answer>;
}

interface Waiting<Request, Answer> {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export interface TurnBatchOptions<Request, Answer> {
  /** Answers all of them, in order, or rejects for all. */
  send(requests: readonly Request[]): Promise<readonly Answer[]>;
  /** A batch is closed with the request that brings its weight to this, so that no script runs for long. */
  readonly maxWeight: number;
  weigh(request: Request): number;
}

export function turnBatch<Request, Answer>(
  options: TurnBatchOptions<Request, Answer>,
): TurnBatch<Request, Answer> {
  let waiting: Waiting<Request, Answer>[] = [];
  let weight = 0;
  let scheduled = false;

  function flush(): void {
    const batch = waiting;
    waiting = [];
    weight = 0;
    if (batch.length > 0) void settle(batch);
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
        weight += options.weigh(request);
        if (weight >= options.maxWeight) return flush();
        if (scheduled) return;
        scheduled = true;
        // Behind all microtasks of the turn: callers woken by one reply ask again before this runs.
        process.nextTick(() => {
          scheduled = false;
          flush();
        });
      });
    },
  };
}
