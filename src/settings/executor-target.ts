/** The setting `executor`: who receives the orders of an executed run. */
import { parseAddress, showAddress } from "./addresses.ts";
import { type Kind, parsed } from "./kinds.ts";

export type ExecutorTarget =
  /** Runs cannot be executed. */
  | { readonly kind: "none" }
  /** Orders are filled at their mark into the store's own journal. */
  | { readonly kind: "paper" }
  /** A Gateway that serves RebalanceExecutorService. */
  | { readonly kind: "grpc"; readonly host: string; readonly port: number };

export const executorKind: Kind<ExecutorTarget> = parsed(
  "executor",
  "none, paper, grpc:host:port",
  parseExecutor,
  describeExecutor,
);

export function parseExecutor(text: string): ExecutorTarget | string {
  if (text === "none" || text === "paper") return { kind: text };
  if (!text.startsWith("grpc:")) return "is not one of the executors";
  const address = parseAddress(text.slice("grpc:".length));
  return address ? { kind: "grpc", ...address } : "has no valid host:port after grpc:";
}

export function describeExecutor(executor: ExecutorTarget): string {
  return executor.kind === "grpc" ? `grpc:${showAddress(executor)}` : executor.kind;
}
