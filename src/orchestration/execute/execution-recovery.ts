import { setTimeout as sleep } from "node:timers/promises";
import { DomainError } from "../../domain/errors.ts";
import type { ExecuteDeps } from "./deps.ts";
import { executePlanned } from "./execute-planned.ts";

/** Looks after executions that nobody drives. Every replica runs one. */
export interface ExecutionRecovery {
  /** Looks at all open executions once, those that are to be left alone for a while too. */
  sweep(): Promise<void>;
  start(): void;
  /** Ends it; what is under way is finished first. */
  stop(): Promise<void>;
}

export interface RecoveryOptions {
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
/** What does not move is looked at ever less often, down to once in so many milliseconds. */
const LONGEST_PAUSE_MS = 30_000;

/** What a sweep meets when others are at work or the store is away: the next sweep looks again. */
const EXPECTED: ReadonlySet<string> = new Set(["LOCK_TIMEOUT", "LOCK_LOST", "STORE_UNAVAILABLE"]);

/** How patient this process is with one execution; lost with it, as it should be. */
interface Patience {
  readonly step: number;
  readonly pauseMs: number;
  readonly dueMs: number;
}

export function createExecutionRecovery(deps: ExecuteDeps, options: RecoveryOptions = {}): ExecutionRecovery {
  const { intervalMs = INTERVAL_MS, onError = () => {} } = options;
  const stopping = new AbortController();
  const patience = new Map<string, Patience>();

  function report(error: unknown): void {
    if (!(error instanceof DomainError && EXPECTED.has(error.reason))) onError(error);
  }

  async function look(runId: string): Promise<void> {
    try {
      const execution = await executePlanned(deps, runId, { timeoutMs: LOCK_PATIENCE_MS });
      patience.set(
        runId,
        longer(patience.get(runId), execution?.header.step ?? 0, intervalMs, deps.clock.monotonic()),
      );
    } catch (error) {
      report(error);
    }
  }

  async function sweepOnce(isDue: (runId: string) => boolean): Promise<void> {
    const { collections } = await deps.store.read({
      keys: [],
      collections: [{ kind: "open_execution", scope: "" }],
    });
    const open = (collections[0] ?? []).map((doc) => doc.key.id);
    forgetClosed(patience, open);
    await Promise.all(open.filter(isDue).map(look));
  }

  function isDue(runId: string): boolean {
    return (patience.get(runId)?.dueMs ?? 0) <= deps.clock.monotonic();
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await pause(intervalMs * (1 + JITTER * (2 * Math.random() - 1)), stopping.signal);
      if (!stopping.signal.aborted) await sweepOnce(isDue).catch(report);
    }
  }

  let running: Promise<void> | undefined;
  return {
    sweep: () => sweepOnce(() => true),
    start() {
      running ??= run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** What moved is looked at again soon. */
function longer(before: Patience | undefined, step: number, intervalMs: number, nowMs: number): Patience {
  const pauseMs = before?.step === step ? Math.min(2 * before.pauseMs, LONGEST_PAUSE_MS) : intervalMs / 2;
  return { step, pauseMs, dueMs: nowMs + pauseMs };
}

function forgetClosed(patience: Map<string, Patience>, open: readonly string[]): void {
  const kept = new Set(open);
  for (const runId of patience.keys()) if (!kept.has(runId)) patience.delete(runId);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined); // a stop ends the pause
}
