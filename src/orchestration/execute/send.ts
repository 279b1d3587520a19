import { setTimeout as sleep } from "node:timers/promises";
import {
  advanced,
  doubted,
  type Execution,
  type ExecutionLeg,
  ended,
  intended,
  isFinal,
  isSendable,
  isWorking,
  notTaken,
} from "../../domain/orders/execution.ts";
import { readStatuses, withStatus } from "../../domain/orders/statuses.ts";
import type { SubmitOutcome } from "../../ports/executor.ts";
import { gateExpectations, gateKeys } from "../shared/world-gates.ts";
import { type Driver, fenceOf, save, saveResting } from "./driving.ts";
import { tradingRefusal } from "./trading-gates.ts";

/** An attempt may be repeated this often within one drive; what is open then is looked after by recovery. */
const MAX_ATTEMPTS = 3;
const PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

const UNANSWERED = "the executor did not answer for this order";

/**
 * Hands orders to the executor: the intent is durable before the first byte leaves. Sent again within the drive only
 * where nothing was taken for sure, or where the executor recognises repeats.
 *
 * @throws DomainError LOCK_LOST, STORE_UNAVAILABLE.
 */
export async function send(driver: Driver, execution: Execution): Promise<Execution> {
  let current = execution;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const tried = await attemptOnce(driver, current, attempt === MAX_ATTEMPTS);
    current = tried.execution;
    if (tried.pauseMs === undefined) break;
    await sleep(tried.pauseMs);
  }
  return current;
}

interface Tried {
  readonly execution: Execution;
  /** undefined = done for now. */
  readonly pauseMs?: number;
}

async function attemptOnce(driver: Driver, before: Execution, isLast: boolean): Promise<Tried> {
  const opened = await openGates(driver, before);
  if ("stopped" in opened) return { execution: opened.stopped };
  const { intent } = opened;
  const { runId } = intent.header;
  driver.lease.lost.throwIfAborted();
  const outcome = await driver.deps.execution.executor.submit({
    runId,
    fence: fenceOf(driver, runId),
    orders: intent.legs.filter(isSentBy(driver)).map(({ order, price }) => ({ order, price })),
  });
  return concluded(driver, before, intent, outcome, isLast);
}

/** Working orders are sent again only where that is the way to ask for them. */
function isSentBy({ abilities }: Driver): (leg: ExecutionLeg) => boolean {
  const asksBySending = abilities.idempotentSubmit && !abilities.lookup;
  return ({ state }) => isSendable(state) || (asksBySending && isWorking(state));
}

/** The intent, committed on the worlds as they are; or what became of it where one of them may not trade now. */
async function openGates(
  driver: Driver,
  before: Execution,
): Promise<{ readonly intent: Execution } | { readonly stopped: Execution }> {
  const { clock, store } = driver.deps;
  const { worldIds } = before.header;
  const intent = intended(before, isSentBy(driver), clock.now());
  for (;;) {
    const { docs } = await store.read({ keys: gateKeys(worldIds) });
    const refusal = tradingRefusal(before.header, docs);
    if (refusal !== undefined)
      return { stopped: await stop(driver, before, `${refusal.reason}: ${refusal.message}`) };
    if (await saveResting(driver, intent, gateExpectations(worldIds, docs))) return { intent };
  }
}

/** Nothing more is sent. What was never taken ends here; what may have been taken stays in doubt. */
function stop(driver: Driver, execution: Execution, message: string): Promise<Execution> {
  const now = driver.deps.clock.now();
  const next = execution.header.unsent
    ? ended(execution, "CANCELLED", message, now)
    : doubted(execution, message, now);
  return save(driver, next);
}

async function concluded(
  driver: Driver,
  before: Execution,
  intent: Execution,
  outcome: SubmitOutcome,
  isLast: boolean,
): Promise<Tried> {
  const now = driver.deps.clock.now();
  switch (outcome.kind) {
    case "answered":
      return { execution: await save(driver, answered(intent, outcome.statuses, now)) };
    case "busy":
      return busy(driver, before, intent, outcome.retryAfterMs);
    case "refused":
      return { execution: await save(driver, refused(before, intent, outcome.message, now)) };
    default:
      return unknown(driver, intent, outcome, isLast);
  }
}

function answered(
  intent: Execution,
  statuses: Extract<SubmitOutcome, { kind: "answered" }>["statuses"],
  now: number,
): Execution {
  const known = readStatuses(statuses);
  return advanced(intent, now, (leg) => {
    const after = withStatus(leg, known.get(leg.order.clientOrderId));
    return after.state === "INTENT" ? { ...after, state: "IN_DOUBT", message: UNANSWERED } : after;
  });
}

/** A refusal speaks of this attempt alone: what an earlier one may have done stays open. */
function refused(before: Execution, intent: Execution, message: string, now: number): Execution {
  return before.header.unsent ? ended(intent, "REJECTED", message, now) : doubted(intent, message, now);
}

async function busy(
  driver: Driver,
  before: Execution,
  intent: Execution,
  retryAfterMs: number,
): Promise<Tried> {
  const { unsent } = before.header;
  const execution = await save(driver, notTaken(intent, unsent, driver.deps.clock.now()));
  return unsent ? { execution, pauseMs: Math.min(retryAfterMs, LONGEST_PAUSE_MS) } : { execution };
}

/** A time-out is a doubt, never a failure. */
async function unknown(
  driver: Driver,
  intent: Execution,
  outcome: Extract<SubmitOutcome, { kind: "unknown" | "fenced" }>,
  isLast: boolean,
): Promise<Tried> {
  const isOurs = outcome.kind === "unknown";
  const message = isOurs ? outcome.message : "the executor serves a newer driver of this run";
  if (isOurs && driver.abilities.idempotentSubmit && !isLast) return { execution: intent, pauseMs: PAUSE_MS };
  return { execution: await save(driver, doubted(intent, message, driver.deps.clock.now())) };
}

/** Orders that an executor was asked about and has not settled. */
export function openOrders({ legs }: Execution): string[] {
  return legs.filter(({ state }) => !isFinal(state)).map(({ order }) => order.clientOrderId);
}
