import type { AllocationRun } from "../../domain/runs/types.ts";
import { assertNotInDoubt, executePlanned } from "../execute/execute-planned.ts";
import type { CallOptions, WriteDeps } from "../shared/deps.ts";
import { type Stages, stagesOf } from "../shared/stages.ts";
import { acquire } from "./acquire.ts";
import { computeAndSave } from "./compute-and-save.ts";
import { buildContext } from "./context.ts";
import { prepare } from "./prepare.ts";
import type { AllocationCall, AllocationExecutionPlan } from "./types.ts";

/** What became of an UpsertAllocations call. */
export interface AllocationOutcome {
  readonly run: AllocationRun;
  readonly replayed: boolean;
}

/**
 * Acquire → context → compute and save → execute. Calling it again with the same run id and request is safe, on any
 * number of replicas and after any crash: it is one run, one set of events, one stored answer.
 */
export async function upsertAllocations(
  deps: WriteDeps,
  call: AllocationCall,
  options: CallOptions,
): Promise<AllocationOutcome> {
  const prepared = prepare(deps.gates, call);
  const atStage = stagesOf(deps, options);
  const locked = await atStage("acquire", () => acquire(deps, prepared, options));
  const { run, replayed } = await underLease(deps, locked, atStage);
  return { run: await execute(deps, run as AllocationRun, options, atStage), replayed };
}

async function underLease(
  deps: WriteDeps,
  locked: AllocationExecutionPlan,
  atStage: Stages,
): Promise<AllocationExecutionPlan> {
  try {
    const ready = await atStage("context", () => buildContext(deps, locked));
    return await atStage("compute_and_save", () => computeAndSave(deps, ready));
  } finally {
    await locked.lease?.release();
  }
}

/** Stage 4, with all locks of the worlds given back: guarded by the run's own execution record. */
async function execute(
  deps: WriteDeps,
  run: AllocationRun,
  options: CallOptions,
  atStage: Stages,
): Promise<AllocationRun> {
  if (!run.execute) return run;
  return atStage("execute", async () => {
    const execution = await executePlanned(deps, run.runId, options);
    if (execution === undefined) return run;
    assertNotInDoubt(execution);
    return { ...run, executionStatus: execution.header.status };
  });
}
