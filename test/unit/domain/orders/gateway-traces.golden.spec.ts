import { expect } from "chai";
import { constraintBook } from "../../../../src/domain/orders/constraints.ts";
import { orderSet } from "../../../../src/domain/orders/order-set.ts";
import type { RebalanceMode, RebalancePlan, SymbolDelta } from "../../../../src/domain/rebalance/index.ts";
import { type GoldenDelta, type GoldenPosition, toColumns } from "../rebalance/golden-cases.ts";
import { asGolden, type GoldenOrder, goldenOrderCases } from "./golden-orders.ts";

interface Body {
  readonly total_equity: number;
  readonly world_alloc_after: Readonly<Record<string, number>>;
  readonly positions: readonly GoldenPosition[];
  readonly overlay?: {
    readonly instrument_by_world: Readonly<Record<string, string>>;
    readonly price_by_symbol: Readonly<Record<string, number>>;
  };
}

interface Step {
  readonly kind: "upstream" | "call";
  readonly path: string;
  readonly json: Body;
}

interface Answer {
  readonly status: number;
  readonly response: {
    readonly per_world?: Readonly<Record<string, { readonly deltas: readonly GoldenDelta[] }>>;
    readonly overlay_deltas?: readonly GoldenDelta[];
    readonly orders_per_world?: Readonly<Record<string, readonly GoldenOrder[]>>;
    readonly orders_global?: readonly GoldenOrder[];
    readonly orders_per_strategy?: readonly {
      readonly strategy_id: string;
      readonly order: GoldenOrder;
    }[];
  };
}

const traces = goldenOrderCases<{ readonly steps: readonly Step[] }, readonly Answer[]>("api_trace_gateway")
  .map(({ id, input, expected }) => {
    const results = expected.result ?? [];
    const plan = results.findLast((answer) => answer.response.per_world !== undefined)?.response;
    return { id, body: input.steps.at(-1)?.json as Body, plan, answer: results.at(-1)?.response };
  })
  .filter(({ plan }) => plan !== undefined); // hybrid was not built there; it is here

function toDelta({ symbol, venue, delta_qty }: GoldenDelta): SymbolDelta {
  const deltaQty = Number(delta_qty);
  return { symbol, venue: venue ?? undefined, deltaQty, mark: 1, notional: deltaQty, residualQty: 0 };
}

function shape(body: Body, plan: Answer["response"]) {
  const { overlay } = body;
  const worldOf = new Map(
    Object.entries(overlay?.instrument_by_world ?? {}).map(([w, symbol]) => [symbol, w]),
  );
  const mode: RebalanceMode =
    overlay === undefined
      ? { kind: "scaling" }
      : {
          kind: "overlay",
          overlay: {
            instrumentByWorld: new Map(Object.entries(overlay.instrument_by_world)),
            priceBySymbol: new Map(Object.entries(overlay.price_by_symbol)),
            minOrderNotional: 0,
          },
        };
  const planned: RebalancePlan = {
    perWorld: Object.entries(plan.per_world ?? {}).map(([worldId, { deltas }]) => ({
      worldId,
      scaleWorld: 0.5,
      scaleByStrategy: new Map(),
      deltas: deltas.map(toDelta),
    })),
    globalDeltas: [],
    overlayDeltas: (plan.overlay_deltas ?? []).map(({ symbol, delta_qty }) => ({
      worldId: worldOf.get(symbol) ?? "",
      symbol,
      deltaQty: Number(delta_qty),
      price: 1,
    })),
    warnings: [],
    skipped: [],
  };
  return orderSet({
    plan: planned,
    input: {
      totalEquity: body.total_equity,
      worldBefore: new Map(),
      worldAfter: new Map(Object.entries(body.world_alloc_after)),
      strategyBefore: new Map(),
      strategyAfter: new Map(),
      positions: toColumns(body.positions),
      minTradeNotional: 0,
      lotBySymbol: new Map(),
    },
    mode,
    constraints: constraintBook([], "constraints"),
    policies: new Map(),
    perStrategy: true,
    sharedAccount: true,
  });
}

/** An overlay order of this service leaves the venue to the executor. */
function withoutOverlayVenue(order: GoldenOrder, isOverlay: boolean): GoldenOrder {
  const { venue: _venue, ...rest } = order;
  return isOverlay ? rest : order;
}

describe("the Gateway's answers as recorded", () => {
  for (const { id, body, plan, answer } of traces) {
    it(`gives the orders of ${id} for the same plan`, () => {
      const set = shape(body, plan as Answer["response"]);
      const perWorld = [...set.perWorld].map(([world, orders]) => [world, orders.map(asGolden)]);
      const isOverlay = body.overlay !== undefined;
      const expected = Object.entries(answer?.orders_per_world ?? {}).map(([world, orders]) => [
        world,
        orders.map((order) => withoutOverlayVenue(order, isOverlay)),
      ]);
      expect(perWorld).to.deep.equal(expected);
      if (answer?.orders_global) expect(set.global.map(asGolden)).to.deep.equal(answer.orders_global);
      if (answer?.orders_per_strategy) {
        expect(
          set.perStrategy.map((order) => ({ strategy_id: order.strategyId, order: asGolden(order) })),
        ).to.deep.equal(answer.orders_per_strategy.map(({ strategy_id, order }) => ({ strategy_id, order })));
      }
    });
  }
});
