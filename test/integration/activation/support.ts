/** The use cases of activation on a real store, with a clock that tests may move and commits that tests may fail. */
import { openSqliteStore } from "../../../src/adapters/sqlite/index.ts";
import type { ApplyRecord } from "../../../src/domain/activation/apply-record.ts";
import type { DomainEvent } from "../../../src/domain/events/types.ts";
import type { ActivationSide, EffectiveMode } from "../../../src/domain/state/world-state.ts";
import { fromStored } from "../../../src/domain/stored-json.ts";
import type { WorldDraft } from "../../../src/domain/worlds/registry.ts";
import { type AckOutcome, acknowledge } from "../../../src/orchestration/activation/acknowledge.ts";
import {
  type FreezeOutcome,
  freeze,
  type Upserted,
  unfreeze,
  upsert,
} from "../../../src/orchestration/activation/activation-commands.ts";
import type { WorldDeps } from "../../../src/orchestration/activation/deps.ts";
import { loadWorld } from "../../../src/orchestration/activation/world-view.ts";
import { type ApplyOutcome, applyWorld } from "../../../src/orchestration/apply-world/apply-world.ts";
import { abortApply, resumeApply } from "../../../src/orchestration/apply-world/operators.ts";
import { getApply } from "../../../src/orchestration/apply-world/read-applies.ts";
import { setDecisions } from "../../../src/orchestration/decisions/set-decisions.ts";
import { createReaper, type Reaper } from "../../../src/orchestration/recovery/reaper.ts";
import { createWorld, updateWorld } from "../../../src/orchestration/worlds/registry.ts";
import type { OpenedStore } from "../../../src/ports/opened-store.ts";
import type { CommitRequest } from "../../../src/ports/store.ts";

export const CALLER = { rpc: "test", principal: undefined };
export const W = "w";
const OPTIONS = { timeoutMs: 5_000 };

export interface EntryInput {
  readonly strategyId: string;
  readonly side?: ActivationSide;
  readonly active?: boolean;
  readonly weight?: number;
  readonly freeze?: boolean;
  readonly drain?: boolean;
  readonly effectiveMode?: EffectiveMode;
}

/** One world service over one store: a replica, without its wire. */
export interface Replica {
  readonly deps: WorldDeps;
  readonly opened: OpenedStore;
  readonly reaper: Reaper;
  /** Milliseconds that the wall clock is ahead. */
  advance(ms: number): void;
  /** Told of each commit before it is made; may throw in its place. */
  onCommit: (request: CommitRequest) => void | Promise<void>;
  observeApply: WorldDeps["observeApply"];
  upsert(entry: EntryInput, etag?: string, runId?: string): Promise<Upserted>;
  decide(...strategies: string[]): Promise<unknown>;
  apply(
    runId: string,
    activate: readonly string[],
    deactivate?: readonly string[],
    more?: { etag?: string; unfreezeOnRollback?: boolean },
  ): Promise<ApplyOutcome>;
  resume(runId: string): Promise<ApplyRecord>;
  abort(runId: string): Promise<ApplyRecord>;
  stage(runId?: string): Promise<string>;
  freeze(runId?: string): Promise<FreezeOutcome>;
  unfreeze(runId?: string): Promise<FreezeOutcome>;
  ack(subscriber: string, sequence: number, runId?: string): Promise<AckOutcome>;
  register(world: Partial<WorldDraft>): Promise<unknown>;
  change(patch: Partial<WorldDraft>): Promise<unknown>;
  /** All events of the world so far. */
  events(): Promise<readonly DomainEvent[]>;
  view(): ReturnType<typeof viewOf>;
}

async function viewOf(deps: WorldDeps) {
  return (await loadWorld(deps.store, W)).view;
}

export function openMemory(): Promise<OpenedStore> {
  return openSqliteStore({ path: ":memory:", book: "main", lockTtlMs: 5_000 });
}

export function createReplica(opened: OpenedStore, ackTimeoutMs = 5_000): Replica {
  let ahead = 0;
  const base = {
    store: {
      ...opened.store,
      read: opened.store.read.bind(opened.store),
      list: opened.store.list.bind(opened.store),
      findRun: opened.store.findRun.bind(opened.store),
      listAudit: opened.store.listAudit.bind(opened.store),
      close: opened.store.close.bind(opened.store),
      async commit(request: CommitRequest) {
        await replica.onCommit(request);
        return opened.store.commit(request);
      },
    },
    locks: opened.locks,
    clock: { now: () => Date.now() + ahead, monotonic: () => performance.now() },
    ackTimeoutMs,
    observeApply: (moment: Parameters<WorldDeps["observeApply"]>[0]) => replica.observeApply(moment),
  };
  const reaper = createReaper(base, {
    onError: (error) => {
      throw error;
    },
  });
  const deps: WorldDeps = { ...base, nudge: reaper.nudge };
  const replica: Replica = {
    deps,
    opened,
    reaper,
    advance(ms) {
      ahead += ms;
    },
    onCommit: () => {},
    observeApply: () => {},
    upsert(entry, etag = "", runId = "") {
      const { active = false } = entry;
      const content = {
        side: "LONG" as const,
        weight: active ? 1 : 0,
        freeze: false,
        drain: false,
        effectiveMode: "VALIDATE" as const,
        ...entry,
        active,
      };
      return upsert(deps, { worldId: W, content, runId, etag, caller: CALLER }, OPTIONS);
    },
    decide: (...strategies) =>
      setDecisions(deps, { worldId: W, strategies, etag: "", runId: "", caller: CALLER }, OPTIONS),
    apply(runId, activate, deactivate = [], more = {}) {
      const target = { kind: "plan", plan: { activate, deactivate } } as const;
      const call = { worldId: W, runId, target, etag: "", unfreezeOnRollback: false, caller: CALLER };
      return applyWorld(deps, { ...call, ...more }, OPTIONS);
    },
    resume: async (runId) =>
      (await resumeApply(deps, { worldId: W, runId, reason: "test", caller: CALLER }, OPTIONS)).apply,
    abort: async (runId) =>
      (await abortApply(deps, { worldId: W, runId, reason: "test", caller: CALLER }, OPTIONS)).apply,
    stage: async (runId = "") => (await getApply(deps.store, W, runId)).apply.stage,
    freeze: (runId = "") => freeze(deps, { worldId: W, runId, reason: "", caller: CALLER }, OPTIONS),
    unfreeze: (runId = "") => unfreeze(deps, { worldId: W, runId, reason: "", caller: CALLER }, OPTIONS),
    ack: (subscriber, sequence, runId = "") =>
      acknowledge(deps, { worldId: W, subscriber, sequence, runId, caller: CALLER }),
    register(world) {
      const draft: WorldDraft = {
        worldId: W,
        name: "",
        description: "",
        owner: "",
        labels: [],
        state: "ACTIVE",
        allowLive: false,
        circuitBreaker: false,
        executionDomain: "BACKTEST",
        ackRoster: [],
        ...world,
      };
      return createWorld(deps, draft, CALLER);
    },
    change: (patch) => updateWorld(deps, { worldId: W, etag: "", caller: CALLER }, patch, OPTIONS),
    async events() {
      const entries = await opened.log.readAfter(0, 100_000);
      return entries
        .flatMap((entry) => entry.events)
        .filter((event) => event.worldId === W)
        .map((event) => fromStored<DomainEvent>(event.body));
    },
    view: () => viewOf(deps),
  };
  return replica;
}

/** A fresh replica on a memory store for every test. */
export function useReplica(ackTimeoutMs?: number): () => Replica {
  let replica: Replica | undefined;
  beforeEach(async () => {
    replica = createReplica(await openMemory(), ackTimeoutMs);
  });
  afterEach(async () => {
    await replica?.reaper.stop();
    await replica?.opened.close();
  });
  return () => {
    if (replica === undefined) throw new Error("no replica outside a test");
    return replica;
  };
}

/** The events of a commit. */
export function eventsIn(request: CommitRequest): DomainEvent[] {
  return (request.events ?? []).map((event) => fromStored<DomainEvent>(event.body));
}

/** The stage that a commit brings an apply to, if any. */
export function stageIn(request: CommitRequest): string | undefined {
  return eventsIn(request).flatMap((event) =>
    event.type === "APPLY_STAGE_CHANGED" ? [event.payload.stage] : [],
  )[0];
}
