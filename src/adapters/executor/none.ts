import { DomainError } from "../../domain/errors.ts";
import type { Executor } from "../../ports/executor.ts";

/** The default: nobody receives orders, and whoever wants to send some is told before anything is written. */
export function noExecutor(): Executor {
  return {
    kind: "none",
    capabilities: () =>
      Promise.reject(
        new DomainError("EXECUTOR_NOT_CONFIGURED", "execution was asked for and no executor is configured"),
      ),
    submit: () => Promise.resolve({ kind: "refused", message: "no executor is configured" }),
    lookUp: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
  };
}
