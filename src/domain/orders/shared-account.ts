import { findMark, type MarkTable } from "./marks.ts";

/** Limits of one account that nets all worlds; undefined = no limit. */
export interface SharedAccountLimits {
  /** Base currency: Σ |quantity| × mark of the orders. */
  readonly maxGrossNotional: number | undefined;
  /** Base currency: |net notional held + net notional of the orders|. */
  readonly maxNetNotional: number | undefined;
  /** Share of equity that must stay free: 1 − |projected net| / equity, 0..1. */
  readonly minMarginHeadroom: number | undefined;
}

/** One order as the policy sees it. */
export interface PolicyOrder {
  readonly symbol: string;
  readonly venue: string | undefined;
  /** Signed units. */
  readonly quantity: number;
}

export interface SharedAccountVerdict {
  /** undefined = allowed. */
  readonly reason: string | undefined;
  /** The figures of the decision by name, all finite; amounts are absolute. */
  readonly figures: ReadonlyMap<string, number>;
  readonly missingMarks: readonly Pick<PolicyOrder, "symbol" | "venue">[];
}

const NOTIONAL_TOLERANCE = 1e-9;

/**
 * Whether one account may take these orders.
 *
 * @param totalEquity base currency.
 * @param currentNet signed net notional of what is held, base currency; a figure of the verdict where it is not 0.
 */
export function sharedAccountVerdict(
  limits: SharedAccountLimits,
  orders: readonly PolicyOrder[],
  marks: MarkTable,
  totalEquity: number,
  currentNet: number,
): SharedAccountVerdict {
  const exposure = exposureOf(orders, marks);
  const projected = Math.abs(currentNet + exposure.net);
  const headroom = totalEquity <= 0 ? 0 : Math.max(0, 1 - projected / totalEquity);
  const figures = new Map([
    ["total_equity", totalEquity],
    ...(currentNet === 0 ? [] : [["current_net_notional", Math.abs(currentNet)] as const]),
    ["gross_notional", exposure.gross],
    ["net_notional_delta", Math.abs(exposure.net)],
    ["net_notional", projected],
    ["margin_headroom", headroom],
  ]);
  const reason =
    exposure.missing.length > 0
      ? "missing mark data for shared-account exposure evaluation"
      : firstBreach(limits, { gross: exposure.gross, projected, headroom, totalEquity });
  return { reason, figures, missingMarks: exposure.missing };
}

function exposureOf(orders: readonly PolicyOrder[], marks: MarkTable) {
  const missing: Pick<PolicyOrder, "symbol" | "venue">[] = [];
  let gross = 0;
  let net = 0;
  for (const { symbol, venue, quantity } of orders) {
    if (quantity === 0) continue;
    const mark = findMark(marks, venue, [symbol]);
    if (mark === undefined || !(mark > 0)) {
      missing.push({ symbol, venue });
      continue;
    }
    gross += Math.abs(quantity) * mark;
    net += quantity * mark;
  }
  return { gross, net, missing };
}

interface Exposure {
  readonly gross: number;
  readonly projected: number;
  readonly headroom: number;
  readonly totalEquity: number;
}

function firstBreach(limits: SharedAccountLimits, exposure: Exposure): string | undefined {
  const { maxGrossNotional, maxNetNotional, minMarginHeadroom } = limits;
  return (
    above("gross", exposure.gross, maxGrossNotional) ??
    above("net", exposure.projected, maxNetNotional) ??
    belowHeadroom(exposure, minMarginHeadroom)
  );
}

function above(name: string, amount: number, limit: number | undefined): string | undefined {
  if (limit === undefined || amount - limit <= NOTIONAL_TOLERANCE) return undefined;
  return `${name} notional ${amount.toFixed(2)} exceeds limit ${limit.toFixed(2)}`;
}

function belowHeadroom({ headroom, totalEquity }: Exposure, minimum: number | undefined): string | undefined {
  if (minimum === undefined) return undefined;
  if (totalEquity <= 0) return "margin headroom check requires positive total_equity";
  if (headroom + NOTIONAL_TOLERANCE >= minimum) return undefined;
  return `margin headroom ${headroom.toFixed(4)} below minimum ${minimum.toFixed(4)}`;
}
