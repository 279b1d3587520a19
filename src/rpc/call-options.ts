import type { HandlerContext } from "@connectrpc/connect";
import type { CallOptions } from "../orchestration/shared/deps.ts";

/** Calls without a deadline get this one. */
const DEFAULT_TIMEOUT_MS = 10_000;

/** Time left for a call, and the signal that tells when its caller went away. */
export function callOptions(context: HandlerContext): CallOptions {
  return { timeoutMs: context.timeoutMs() ?? DEFAULT_TIMEOUT_MS, signal: context.signal };
}
