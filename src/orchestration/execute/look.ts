import { advanced, doubted, type Execution, isUnresolved } from "../../domain/orders/execution.ts";
import { isAbsent, readStatuses, withStatus } from "../../domain/orders/statuses.ts";
import type { OrderStatus } from "../../ports/executor.ts";
import { type Driver, save } from "./driving.ts";
import { openOrders, send } from "./send.ts";

const SILENT = "the executor cannot tell now";
const ABSENT = "the executor does not know this order";

/**
 * Asks what became of the orders. What was found is recorded; what is absent for sure is sent again to executors that
 * recognise repeats, and is in doubt with all others: it may still arrive.
 *
 * @throws DomainError LOCK_LOST, STORE_UNAVAILABLE.
 */
export async function look(driver: Driver, execution: Execution): Promise<Execution> {
  const statuses = await driver.deps.execution.executor.lookUp(execution.header.runId, openOrders(execution));
  if (statuses === undefined) return keep(driver, execution, SILENT);
  const found = recorded(driver, execution, statuses);
  const isMissing = hasMissing(driver, found, statuses);
  if (isMissing && driver.abilities.idempotentSubmit)
    return send(driver, await keepFound(driver, execution, found));
  return keep(driver, found, ABSENT, execution);
}

function recorded({ deps }: Driver, execution: Execution, statuses: readonly OrderStatus[]): Execution {
  const known = readStatuses(statuses);
  return advanced(execution, deps.clock.now(), (leg) => withStatus(leg, known.get(leg.order.clientOrderId)));
}

/** Not found counts only once what was taken would show. */
function hasMissing(
  { deps, abilities }: Driver,
  found: Execution,
  statuses: readonly OrderStatus[],
): boolean {
  if (deps.clock.now() < found.header.sentAtMs + abilities.visibilityDelayMs) return false;
  const known = readStatuses(statuses);
  return found.legs.some(
    ({ state, order }) => isUnresolved(state) && isAbsent(known.get(order.clientOrderId)),
  );
}

async function keepFound(driver: Driver, before: Execution, found: Execution): Promise<Execution> {
  return isChanged(before, found) ? save(driver, found) : before;
}

/** Records what is new; an intent that nobody can speak for is in doubt from now on. */
function keep(driver: Driver, found: Execution, message: string, before = found): Promise<Execution> {
  const hasIntent = found.legs.some(({ state }) => state === "INTENT");
  if (!hasIntent) return keepFound(driver, before, found);
  const now = driver.deps.clock.now();
  const base = { header: before.header, legs: found.legs }; // one commit, one step
  return save(driver, doubted(base, message, now));
}

function isChanged(before: Execution, after: Execution): boolean {
  return after.legs.some((leg, i) => leg !== before.legs[i]);
}
