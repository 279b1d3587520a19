import type { SharedAccountLimits } from "../../domain/orders/shared-account.ts";
import type { VenuePolicies } from "../../domain/orders/venue-policy.ts";
import type { Executor } from "../../ports/executor.ts";
import type { WriteDeps } from "../shared/deps.ts";

/** What execution needs beside a book. */
export interface ExecutionDeps {
  readonly executor: Executor;
  /** Name of the book: order names are unique over all books that share an executor. */
  readonly book: string;
  /** undefined = orders of one shared account are switched off. */
  readonly sharedAccount: SharedAccountLimits | undefined;
  readonly policies: VenuePolicies;
}

export type ExecuteDeps = Pick<WriteDeps, "store" | "locks" | "clock" | "execution">;
