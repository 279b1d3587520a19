import type { Gates } from "../../domain/rebalance/negotiation.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LockManager } from "../../ports/lock-manager.ts";
import type { Store } from "../../ports/store.ts";
import type { AlphaSource } from "../alpha-metrics/alpha-source.ts";
import type { ExecutionDeps } from "../execute/deps.ts";
import type { StageObserver } from "./stages.ts";

/** What use cases that write need. All of it is injected. */
export interface WriteDeps {
  readonly store: Store;
  readonly locks: LockManager;
  readonly clock: Clock;
  readonly gates: Gates;
  /** Gives the alpha figures of plans. */
  readonly alpha: AlphaSource;
  /** Who receives orders, and how they are shaped for it. */
  readonly execution: ExecutionDeps;
  readonly observeStage: StageObserver;
}

/** What is known of the call that is being served. */
export interface CallOptions {
  /** Time left for the call, in milliseconds. */
  readonly timeoutMs: number;
  /** Aborts when the caller went away. */
  readonly signal?: AbortSignal;
}
