import { DomainError } from "../../../src/domain/errors.ts";
import type {
  Executor,
  ExecutorCapabilities,
  OrderStatus,
  Submission,
  SubmitOutcome,
} from "../../../src/ports/executor.ts";

/** An executor whose every answer the test decides. */
export interface ScriptedExecutor extends Executor {
  /** What the next submissions come to, in this order; then all is filled. */
  readonly script: ((submission: Submission) => SubmitOutcome | Promise<SubmitOutcome>)[];
  readonly submissions: Submission[];
  /** What look-ups answer; undefined = nothing. */
  lookUps: ((ids: readonly string[]) => readonly OrderStatus[] | undefined) | undefined;
  abilities: Partial<ExecutorCapabilities>;
  isGone: boolean;
}

export function statusOf(clientOrderId: string, state: OrderStatus["state"], filled = 0): OrderStatus {
  const fills = filled > 0 ? [{ quantity: filled, price: 1, filledAtMs: 1 }] : [];
  return { clientOrderId, state, fills, message: "" };
}

export function allFilled({ orders }: Submission): SubmitOutcome {
  return {
    kind: "answered",
    statuses: orders.map(({ order }) => statusOf(order.clientOrderId, "FILLED", order.quantity)),
  };
}

export function scriptedExecutor(abilities: Partial<ExecutorCapabilities> = {}): ScriptedExecutor {
  const executor: ScriptedExecutor = {
    kind: "grpc",
    script: [],
    submissions: [],
    lookUps: undefined,
    abilities,
    isGone: false,
    async capabilities() {
      if (executor.isGone) throw new DomainError("EXECUTOR_UNAVAILABLE", "gone", { retryAfterMs: 500 });
      return { idempotentSubmit: false, lookup: false, visibilityDelayMs: 0, ...executor.abilities };
    },
    async submit(submission) {
      executor.submissions.push(submission);
      return (executor.script.shift() ?? allFilled)(submission);
    },
    lookUp: async (_runId, ids) => executor.lookUps?.(ids),
    close: async () => undefined,
  };
  return executor;
}
