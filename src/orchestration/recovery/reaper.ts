import { setTimeout as sleep } from "node:timers/promises";
import { takeOverStep } from "../../domain/activation/apply-steps.ts";
import { DomainError } from "../../domain/errors.ts";
import type { WorldDeps } from "../activation/deps.ts";
import { loadWorld } from "../activation/world-view.ts";
import { driveApply } from "../apply-world/drive.ts";

/** Looks after applies that nobody drives. Every replica runs one. */
export interface Reaper {
  /** Looks at this world soon. */
  nudge(worldId: string): void;
  /** Looks at all open applies once. */
  sweep(): Promise<void>;
  /** Sweeps again and again until it is stopped. */
  start(): void;
  /** Ends it; what is under way is finished first. */
  stop(): Promise<void>;
}

export interface ReaperOptions {
  /** Mean time between two sweeps, in milliseconds. */
  readonly intervalMs?: number;
  /** What a sweep could not do, and will try again. */
  readonly onError?: (error: unknown) => void;
}

const INTERVAL_MS = 1_000;
/** Replicas must not sweep in step: up to this share earlier or later. */
const JITTER = 0.2;
/** A lock that is not free after so many milliseconds has a holder, who drives. */
const LOCK_PATIENCE_MS = 50;

const CALLER = { rpc: "worldservice.v1.ActivationService/ApplyWorld", principal: undefined } as const;

/** What a sweep meets when others are at work or the store is away: the next sweep looks again. */
const EXPECTED: ReadonlySet<string> = new Set(["LOCK_TIMEOUT", "LOCK_LOST", "STORE_UNAVAILABLE"]);

export function createReaper(deps: Omit<WorldDeps, "nudge">, options: ReaperOptions = {}): Reaper {
  const { intervalMs = INTERVAL_MS, onError = () => {} } = options;
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();
  const all: WorldDeps = { ...deps, nudge };

  function report(error: unknown): void {
    if (!(error instanceof DomainError && EXPECTED.has(error.reason))) onError(error);
  }

  function track(work: Promise<void>): Promise<void> {
    const tracked = work.catch(report).finally(() => underWay.delete(tracked));
    underWay.add(tracked);
    return tracked;
  }

  function nudge(worldId: string): void {
    if (!stopping.signal.aborted) track(adopt(all, worldId));
  }

  async function sweepOnce(): Promise<void> {
    const { collections } = await deps.store.read({
      keys: [],
      collections: [{ kind: "open_apply", scope: "" }],
    });
    await Promise.all((collections[0] ?? []).map((doc) => track(adopt(all, doc.key.id))));
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await pause(intervalMs * (1 + JITTER * (2 * Math.random() - 1)), stopping.signal);
      if (!stopping.signal.aborted) await sweepOnce().catch(report);
    }
  }

  let running: Promise<void> | undefined;
  return {
    nudge,
    sweep: sweepOnce,
    start() {
      running ??= run();
    },
    async stop() {
      stopping.abort();
      await running;
      await Promise.all(underWay);
    },
  };
}

/** Ends early, and without an error, when the signal aborts. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {});
}

/** Carries an apply on if it can go on and its world's lock is free, which means that nobody drives it. */
async function adopt(deps: WorldDeps, worldId: string): Promise<void> {
  const runId = await restingRun(deps, worldId);
  if (runId === undefined) return;
  const { lease } = await deps.locks.acquire([worldId], { timeoutMs: LOCK_PATIENCE_MS });
  try {
    await driveApply(deps, { worldId, runId, caller: CALLER, lease }, "found");
  } finally {
    await lease.release();
  }
}

/** The open apply of a world, unless it waits for acknowledgements or an operator. */
async function restingRun(deps: WorldDeps, worldId: string): Promise<string | undefined> {
  const { view } = await loadWorld(deps.store, worldId);
  if (view.apply === undefined) return undefined;
  const time = { nowMs: deps.clock.now(), ackTimeoutMs: deps.ackTimeoutMs };
  const next = takeOverStep({ ...view, apply: view.apply }, time);
  return next.kind === "step" ? view.apply.runId : undefined;
}
