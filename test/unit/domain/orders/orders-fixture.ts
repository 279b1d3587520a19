import { constraintBook, type InstrumentConstraint } from "../../../../src/domain/orders/constraints.ts";
import { type OrderRequest, type OrderSet, orderSet } from "../../../../src/domain/orders/order-set.ts";
import { type DraftOrder, signedQuantity } from "../../../../src/domain/orders/types.ts";
import {
  columnsFromRows,
  type PositionRow,
  planRebalance,
  type RebalanceInput,
  type RebalanceMode,
} from "../../../../src/domain/rebalance/index.ts";

export const SCALING: RebalanceMode = { kind: "scaling" };

export function rule(changes: Partial<InstrumentConstraint> & { symbol: string }): InstrumentConstraint {
  return {
    venue: undefined,
    canonicalSymbol: "",
    aliases: [],
    lotSize: 0,
    minNotional: 0,
    tickSize: 0,
    closingExempt: false,
    ...changes,
  };
}

export interface Book {
  readonly before: Readonly<Record<string, number>>;
  readonly after: Readonly<Record<string, number>>;
  /** world, strategy, symbol, quantity, mark, venue */
  readonly positions: readonly (readonly [string, string, string, number, number, string?])[];
  readonly lots?: Readonly<Record<string, number>>;
  readonly minTradeNotional?: number;
  readonly strategyBefore?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly strategyAfter?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

function nested(maps: Book["strategyAfter"]) {
  return new Map(Object.entries(maps ?? {}).map(([key, map]) => [key, new Map(Object.entries(map))]));
}

export function inputOf(book: Book): RebalanceInput {
  const rows = book.positions.map(
    ([worldId, strategyId, symbol, qty, mark, venue]): PositionRow => ({
      worldId,
      strategyId,
      symbol,
      venue,
      qty,
      mark,
    }),
  );
  return {
    totalEquity: 100_000,
    worldBefore: new Map(Object.entries(book.before)),
    worldAfter: new Map(Object.entries(book.after)),
    strategyBefore: nested(book.strategyBefore),
    strategyAfter: nested(book.strategyAfter),
    positions: columnsFromRows(rows),
    minTradeNotional: book.minTradeNotional ?? 0,
    lotBySymbol: new Map(Object.entries(book.lots ?? {})),
  };
}

/** Plans a book and shapes its orders. */
export function shapeBook(
  book: Book,
  options: {
    readonly mode?: RebalanceMode;
    readonly rules?: readonly InstrumentConstraint[];
    readonly policies?: OrderRequest["policies"];
    readonly perStrategy?: boolean;
    readonly sharedAccount?: boolean;
  } = {},
): OrderSet {
  const {
    mode = SCALING,
    rules = [],
    policies = new Map(),
    perStrategy = true,
    sharedAccount = true,
  } = options;
  const input = inputOf(book);
  const plan = planRebalance(input, mode, "v2");
  const constraints = constraintBook(rules, "constraints");
  return orderSet({ plan, input, mode, constraints, policies, perStrategy, sharedAccount });
}

/** `SELL 5 X` with the venue where there is one, `!` for reduce-only, and its owner in front. */
export function show(order: DraftOrder): string {
  const owner = [order.worldId, order.strategyId].filter((id) => id !== "").join("/");
  const place = order.venue === undefined ? "" : `@${order.venue}`;
  const flag = order.reduceOnly ? "!" : "";
  return `${owner === "" ? "" : `${owner} `}${order.side} ${order.quantity} ${order.symbol}${place}${flag}`;
}

export function totals(
  orders: readonly DraftOrder[],
  keyOf: (order: DraftOrder) => string,
): Map<string, number> {
  const sums = new Map<string, number>();
  for (const order of orders) sums.set(keyOf(order), (sums.get(keyOf(order)) ?? 0) + signedQuantity(order));
  return sums;
}
