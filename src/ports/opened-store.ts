import type { EventLog } from "./event-log.ts";
import type { LockManager } from "./lock-manager.ts";
import type { Store } from "./store.ts";

/** The three faces of one book, as an adapter opens them. They share one history: a lease of `locks` fits `store` only. */
export interface OpenedStore {
  readonly store: Store;
  readonly locks: LockManager;
  readonly log: EventLog;
  /** Finishes what was begun, refuses what comes after with STORE_UNAVAILABLE, frees the file or connections. Repeatable. */
  close(): Promise<void>;
}
