/** Repeats unary calls, but only those that the service asked to be repeated. */
import { create, type DescMessage, type DescMethodUnary, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport, type UnaryResponse } from "@connectrpc/connect";
import { refusalOf } from "./refusal.ts";
import { ordinaryTiming, type Timing } from "./timing.ts";

export interface RetryOptions {
  /** Most times one call is sent, the first included. Default 4; 1 = never repeated. */
  readonly attempts?: number;
  /** Most repeats that may be saved up over all calls. Default 10. */
  readonly budget?: number;
  /** Share of a repeat that each answered call earns back, 0..1. Default 0.1: in the long run one repeat in ten. */
  readonly refill?: number;
  readonly timing?: Timing;
}

/**
 * A transport that sends a unary call again where the error carries `RetryInfo`, after at least the pause named there.
 * It is the same message each time, so the same run id: a call that did take effect is replayed, not done twice.
 * Errors without `RetryInfo` are the caller's to judge, and so is everything once the budget is spent: a service in
 * trouble shall not be buried under repeats. Streams pass through.
 */
export function withRetries(transport: Transport, options: RetryOptions = {}): Transport {
  const { attempts = 4, budget = 10, refill = 0.1, timing = ordinaryTiming } = options;
  let left = budget;

  /** The pause before the next try in milliseconds, or undefined when there shall be none. */
  function pauseAfter(error: unknown, attempt: number, deadline: number): number | undefined {
    const { retryAfterMs } = refusalOf(error);
    if (retryAfterMs === undefined || attempt >= attempts || left < 1) return undefined;
    const pause = retryAfterMs * (1 + timing.random() * 2 ** (attempt - 1));
    return performance.now() + pause < deadline ? pause : undefined;
  }

  async function unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersInit | undefined,
    input: MessageInitShape<I>,
    contextValues: Parameters<Transport["unary"]>[5],
  ): Promise<UnaryResponse<I, O>> {
    const message = create(method.input, input);
    const hasDeadline = timeoutMs !== undefined && timeoutMs > 0;
    const deadline = hasDeadline ? performance.now() + timeoutMs : Number.POSITIVE_INFINITY;
    for (let attempt = 1; ; attempt++) {
      const remaining = hasDeadline ? Math.max(1, Math.ceil(deadline - performance.now())) : timeoutMs;
      try {
        const answer = await transport.unary(method, signal, remaining, header, message, contextValues);
        left = Math.min(budget, left + refill);
        return answer;
      } catch (error) {
        const pause = pauseAfter(error, attempt, deadline);
        if (pause === undefined) throw error;
        left -= 1;
        await timing.sleep(pause, signal);
        if (signal?.aborted) throw new ConnectError("the caller gave up", Code.Canceled);
      }
    }
  }

  return { unary, stream: (...call) => transport.stream(...call) };
}
