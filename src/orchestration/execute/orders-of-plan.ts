import { DomainError } from "../../domain/errors.ts";
import type { OrderFacts } from "../../domain/events/types.ts";
import type { InstrumentConstraint } from "../../domain/orders/constraints.ts";
import { constraintBook } from "../../domain/orders/constraints.ts";
import { markTable } from "../../domain/orders/marks.ts";
import { type OrderSet, orderSet, ordersToSubmit } from "../../domain/orders/order-set.ts";
import { sharedAccountVerdict } from "../../domain/orders/shared-account.ts";
import { type OrderViolation, signedQuantity } from "../../domain/orders/types.ts";
import type {
  OverlayDelta,
  PositionColumns,
  RebalanceInput,
  RebalanceMode,
  RebalancePlan,
} from "../../domain/rebalance/types.ts";
import { compareUtf8 } from "../../domain/text.ts";
import type { ExecutionDeps } from "./deps.ts";
import { nameOrders, type OrderScope } from "./order-names.ts";

/** A plan and how its orders are wanted. */
export interface OrderWishes {
  readonly runId: string;
  readonly plan: RebalancePlan;
  readonly input: RebalanceInput;
  readonly mode: RebalanceMode;
  readonly constraints: readonly InstrumentConstraint[];
  /** Proto path of the constraints, for errors. */
  readonly constraintsPath: string;
  readonly perStrategy: boolean;
  readonly sharedAccount: boolean;
}

/** The orders as they are answered, with their names. */
export interface OrderAnswer {
  readonly perWorld: ReadonlyMap<string, readonly OrderFacts[]>;
  readonly global: readonly OrderFacts[];
  readonly perStrategy: readonly OrderFacts[];
  readonly violations: readonly OrderViolation[];
  readonly overlayDeltas: readonly OverlayDelta[];
}

export interface PreparedOrders {
  readonly answer: OrderAnswer;
  /** What goes to the executor, in the sequence of submission. */
  readonly submission: readonly { readonly order: OrderFacts; readonly price: number }[];
  /** Worlds that trade, sorted. */
  readonly worldIds: readonly string[];
}

/**
 * The orders of a plan. Pure: the same plan gives the same orders under the same names.
 *
 * @throws DomainError SHARED_ACCOUNT_DISABLED, INVALID_FIELD (constraints), OVERLAY_EXECUTION_AMBIGUOUS,
 *   SHARED_ACCOUNT_POLICY.
 */
export function ordersOfPlan(deps: ExecutionDeps, wishes: OrderWishes): PreparedOrders {
  if (wishes.sharedAccount && deps.sharedAccount === undefined) throw sharedAccountDisabled();
  const set = orderSet({
    ...wishes,
    constraints: constraintBook(wishes.constraints, wishes.constraintsPath),
    policies: deps.policies,
  });
  if (wishes.sharedAccount) assertWithinLimits(deps, wishes.input, set);
  return named(deps.book, wishes, set);
}

function named(book: string, { runId, plan, sharedAccount }: OrderWishes, set: OrderSet): PreparedOrders {
  const names = (scope: OrderScope, orders: Parameters<typeof nameOrders>[3]) =>
    nameOrders(book, runId, scope, orders);
  const facts = (scope: OrderScope, orders: Parameters<typeof nameOrders>[3]) =>
    names(scope, orders).map(({ order }) => order);
  const trading = [...set.perWorld].filter(([, orders]) => orders.length > 0).map(([worldId]) => worldId);
  return {
    answer: {
      perWorld: new Map([...set.perWorld].map(([worldId, orders]) => [worldId, facts("world", orders)])),
      global: facts("global", set.global),
      perStrategy: facts("strategy", set.perStrategy),
      violations: set.violations,
      overlayDeltas: plan.overlayDeltas,
    },
    submission: names(sharedAccount ? "global" : "world", ordersToSubmit(set, sharedAccount)),
    worldIds: trading.sort(compareUtf8),
  };
}

function sharedAccountDisabled(): DomainError {
  return new DomainError("SHARED_ACCOUNT_DISABLED", "orders of one shared account are switched off here");
}

/** Limits hold for the account as a whole: what it holds and what it is to trade. */
function assertWithinLimits(
  { sharedAccount }: ExecutionDeps,
  input: RebalanceInput,
  { global }: OrderSet,
): void {
  const { reason, figures } = sharedAccountVerdict(
    sharedAccount ?? { maxGrossNotional: undefined, maxNetNotional: undefined, minMarginHeadroom: undefined },
    global.map((order) => ({ ...order, quantity: signedQuantity(order) })),
    markTable(global.map(({ venue, symbol, price }) => ({ venue, symbol, mark: price }))),
    input.totalEquity,
    netNotional(input.positions),
  );
  if (reason === undefined) return;
  const metadata = Object.fromEntries([...figures].map(([name, figure]) => [name, String(figure)]));
  throw new DomainError("SHARED_ACCOUNT_POLICY", reason, { metadata });
}

/** Signed, base currency. */
function netNotional({ qty, mark }: PositionColumns): number {
  return qty.reduce((sum, quantity, row) => sum + quantity * (mark[row] ?? 0), 0);
}
