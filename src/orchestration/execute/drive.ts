import { DomainError } from "../../domain/errors.ts";
import { doubted, type Execution } from "../../domain/orders/execution.ts";
import { nextStep } from "../../domain/orders/next-step.ts";
import type { ExecutorCapabilities } from "../../ports/executor.ts";
import type { Lease } from "../../ports/lock-manager.ts";
import type { ExecuteDeps } from "./deps.ts";
import { type Driver, save } from "./driving.ts";
import { look } from "./look.ts";
import { send } from "./send.ts";

const NOBODY_CAN_TELL = "the executor can neither look orders up nor recognise repeats";
const UNREACHABLE = "the executor could not be reached";

/** Nothing can be told or sent. */
const UNABLE: ExecutorCapabilities = { idempotentSubmit: false, lookup: true, visibilityDelayMs: 0 };

/**
 * Takes an execution one step further, whoever left it where it is: from PLANNED it is sent, from INTENT on it is found
 * out what became of it. The same for a first call and for recovery after a crash.
 *
 * @param lease of the execution's lock.
 * @returns the state it is in now, durable.
 * @throws DomainError LOCK_LOST, STORE_UNAVAILABLE.
 */
export async function drive(deps: ExecuteDeps, lease: Lease, execution: Execution): Promise<Execution> {
  if (execution.header.executor !== deps.execution.executor.kind) return execution;
  const abilities = await abilitiesOf(deps);
  if (abilities === undefined) return unreachable({ deps, lease, abilities: UNABLE }, execution);
  return step({ deps, lease, abilities }, execution);
}

async function step(driver: Driver, execution: Execution): Promise<Execution> {
  switch (nextStep(execution, driver.abilities)) {
    case "send":
      return send(driver, execution);
    case "look":
      return look(driver, execution);
    case "doubt":
      return save(driver, doubted(execution, NOBODY_CAN_TELL, driver.deps.clock.now()));
    default:
      return execution;
  }
}

async function abilitiesOf({ execution }: ExecuteDeps): Promise<ExecutorCapabilities | undefined> {
  try {
    return await execution.executor.capabilities();
  } catch (error) {
    if (error instanceof DomainError) return undefined;
    throw error;
  }
}

/** An intent that nobody can speak for is in doubt, and stays open: the executor may come back. */
async function unreachable(driver: Driver, execution: Execution): Promise<Execution> {
  const hasIntent = execution.legs.some(({ state }) => state === "INTENT");
  if (!hasIntent || execution.header.unsent) return execution;
  return save(driver, doubted(execution, UNREACHABLE, driver.deps.clock.now()));
}
