import type { Clock } from "../../ports/clock.ts";
import type { Executor } from "../../ports/executor.ts";
import type { Store } from "../../ports/store.ts";
import type { Settings } from "../../settings/read-settings.ts";
import { grpcExecutor } from "./grpc.ts";
import { noExecutor } from "./none.ts";
import { paperExecutor } from "./paper.ts";

/** The executor that the settings name. Nothing is connected before it is needed. */
export function createExecutor(
  { executor, executorTlsCa }: Pick<Settings, "executor" | "executorTlsCa">,
  book: { readonly store: Store; readonly clock: Clock },
): Executor {
  switch (executor.kind) {
    case "none":
      return noExecutor();
    case "paper":
      return paperExecutor(book);
    case "grpc":
      return grpcExecutor({ ...executor, tlsCa: executorTlsCa });
  }
}
