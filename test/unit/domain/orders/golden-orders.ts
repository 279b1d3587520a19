import { readFileSync } from "node:fs";
import { constraintBook } from "../../../../src/domain/orders/constraints.ts";
import { markTable } from "../../../../src/domain/orders/marks.ts";
import type { ShapeOptions } from "../../../../src/domain/orders/shape.ts";
import type { DraftOrder, OrderDelta, TimeInForce } from "../../../../src/domain/orders/types.ts";
import type { VenuePolicy } from "../../../../src/domain/orders/venue-policy.ts";
import {
  type GoldenCase,
  type GoldenDelta,
  type GoldenNumber,
  near,
  toMap,
} from "../rebalance/golden-cases.ts";

/** The cases of one area of `test/golden/orders`. */
export function goldenOrderCases<Input, Result>(area: string): GoldenCase<Input, Result>[] {
  const url = new URL(`../../../golden/orders/${area}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as GoldenCase<Input, Result>[];
}

export interface GoldenMark {
  readonly venue: string | null;
  readonly symbol: string;
  readonly mark: GoldenNumber;
}

export interface GoldenRule {
  readonly venue?: string | null;
  readonly symbol: string;
  readonly canonical_symbol?: string;
  readonly lot_size?: number;
  readonly min_notional?: number;
  readonly tick_size?: number;
  readonly aliases?: readonly string[];
}

export interface GoldenOptions {
  readonly time_in_force?: TimeInForce;
  readonly hedge_mode?: string;
  readonly reduce_only_for_negative?: boolean;
  readonly lot_size_by_symbol?: Readonly<Record<string, GoldenNumber>>;
  readonly min_trade_notional?: number;
  readonly marks?: readonly GoldenMark[];
  readonly venue_policies?: Readonly<
    Record<
      string,
      {
        readonly supports_reduce_only?: boolean;
        readonly reduce_only_requires_ioc?: boolean;
        readonly default_time_in_force?: TimeInForce | null;
      }
    >
  >;
  readonly constraint_rules?: readonly GoldenRule[];
}

export interface GoldenOrder {
  readonly symbol: string;
  /** Signed. */
  readonly quantity: number;
  readonly side: "buy" | "sell";
  readonly time_in_force: TimeInForce;
  readonly venue?: string;
  readonly reduce_only?: boolean;
  readonly hedge_mode?: string;
}

/** Far more than any case sells: the Python service took every sale for one that reduces. */
const LONG = 1e12;

/** Golden cases name no positions; where nothing else is said the book is long in everything. */
export function shapeOptions(golden: GoldenOptions, positionOf: () => number = () => LONG): ShapeOptions {
  return {
    timeInForce: golden.time_in_force ?? "GTC",
    hedgeMode: golden.hedge_mode,
    useReduceOnly: golden.reduce_only_for_negative ?? true,
    lotBySymbol: toMap(golden.lot_size_by_symbol),
    minNotional: golden.min_trade_notional ?? 0,
    marks: markTable(
      (golden.marks ?? []).map(({ venue, symbol, mark }) => ({
        venue: venue ?? undefined,
        symbol,
        mark: Number(mark),
      })),
    ),
    policies: new Map(
      Object.entries(golden.venue_policies ?? {}).map(([venue, policy]): [string, VenuePolicy] => [
        venue,
        {
          supportsReduceOnly: policy.supports_reduce_only ?? true,
          reduceOnlyRequiresIoc: policy.reduce_only_requires_ioc ?? false,
          defaultTimeInForce: policy.default_time_in_force ?? undefined,
        },
      ]),
    ),
    constraints: constraintBook((golden.constraint_rules ?? []).map(toRule), "constraints"),
    positionOf,
  };
}

function toRule(rule: GoldenRule) {
  return {
    venue: rule.venue ?? undefined,
    symbol: rule.symbol,
    canonicalSymbol: rule.canonical_symbol ?? "",
    aliases: rule.aliases ?? [],
    lotSize: rule.lot_size ?? 0,
    minNotional: rule.min_notional ?? 0,
    tickSize: rule.tick_size ?? 0,
    closingExempt: false,
  };
}

export function toDelta({ symbol, venue, delta_qty }: GoldenDelta): OrderDelta {
  return { symbol, venue: venue ?? undefined, deltaQty: Number(delta_qty) };
}

/** An order in the words of the golden data. */
export function asGolden(order: DraftOrder): GoldenOrder {
  const quantity = order.side === "BUY" ? order.quantity : -order.quantity;
  return {
    symbol: order.symbol,
    quantity,
    side: order.side === "BUY" ? "buy" : "sell",
    time_in_force: order.timeInForce,
    ...(order.venue === undefined ? {} : { venue: order.venue }),
    ...(order.reduceOnly ? { reduce_only: true } : {}),
    ...(order.hedgeMode === undefined ? {} : { hedge_mode: order.hedgeMode }),
  };
}

/** The expected orders with the actual quantities where those are within the tolerance of the golden data. */
export function withNearQuantities(
  expected: readonly GoldenOrder[],
  actual: readonly GoldenOrder[],
): GoldenOrder[] {
  return expected.map((order, i) => {
    const quantity = actual[i]?.quantity ?? Number.NaN;
    return near(quantity, order.quantity) ? { ...order, quantity } : order;
  });
}
