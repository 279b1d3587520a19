/** The store with one of its guards taken out, to show that the fault suites notice. */
import type { Acquired, AcquireOptions } from "../../src/ports/lock-manager.ts";
import type { OpenedStore } from "../../src/ports/opened-store.ts";
import type { CommitRequest, Doc, ReadQuery, ReadResult } from "../../src/ports/store.ts";
import type { Guard } from "./faults.ts";

/** What each guard adds to a commit, taken away. */
const WITHOUT: Record<Guard, (request: CommitRequest) => CommitRequest> = {
  fence: ({ lease: _lease, release: _release, ...rest }) => rest,
  claim: ({ claim: _claim, ...rest }) => rest,
  etag: ({ expect: _expect, ...rest }) => rest,
  budget: ({ budget, ...rest }) =>
    budget === undefined ? rest : { ...rest, budget: { name: budget.name, set: budget.set } },
};

export function withoutGuard(opened: OpenedStore, guard: Guard): OpenedStore {
  const { store } = opened;
  const weakened: OpenedStore = {
    ...opened,
    store: { ...store, info: store.info, commit: (request) => store.commit(WITHOUT[guard](request)) },
  };
  return guard === "claim" ? withoutRunRecords(weakened) : weakened;
}

/** The earlier run is found twice, under the lock and in the commit; taking out one would prove nothing. */
function withoutRunRecords(opened: OpenedStore): OpenedStore {
  const blind = (doc: Doc | undefined) => (doc?.key.kind === "run" ? undefined : doc);
  return {
    ...opened,
    locks: {
      async acquire(worlds, options) {
        const { lease, context } = await opened.locks.acquire(worlds, options);
        return { lease, context: { ...context, docs: context.docs.map(blind) } };
      },
    },
  };
}

/**
 * Locks apart from the store: what a call needs is read first, then its locks are taken. Two calls may read the same
 * state and hold the lock one after the other, each with the right fence; the expected versions alone tell them apart.
 */
export function withEarlyContext(opened: OpenedStore): OpenedStore {
  const { store, locks } = opened;
  const nothing: ReadQuery = { keys: [] };
  return {
    ...opened,
    locks: {
      async acquire(worlds, { read, ...options }: AcquireOptions): Promise<Acquired> {
        const context: ReadResult = await store.read(read ?? nothing);
        const { lease } = await locks.acquire(worlds, options);
        return { lease, context };
      },
    },
  };
}
