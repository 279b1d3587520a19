import { DomainError } from "../errors.ts";
import type {
  OverlayDelta,
  RebalanceInput,
  RebalanceMode,
  RebalancePlan,
  SkippedDelta,
  WorldPlan,
} from "../rebalance/types.ts";
import type { ConstraintBook } from "./constraints.ts";
import { netOrders } from "./global.ts";
import { type Holdings, holdingsOf } from "./holdings.ts";
import { markTable } from "./marks.ts";
import { inSubmissionOrder } from "./sequence.ts";
import { type ShapedOrders, type ShapeOptions, shapeOrders } from "./shape.ts";
import { strategyOrders } from "./strategies.ts";
import type { DraftOrder, OrderViolation } from "./types.ts";
import type { VenuePolicies } from "./venue-policy.ts";

/** A plan that is to become orders. */
export interface OrderRequest {
  readonly plan: RebalancePlan;
  readonly input: RebalanceInput;
  readonly mode: RebalanceMode;
  readonly constraints: ConstraintBook;
  readonly policies: VenuePolicies;
  /** Also give the worlds' orders by strategy. */
  readonly perStrategy: boolean;
  /** Also net all worlds into one account. */
  readonly sharedAccount: boolean;
}

/** All orders of a plan. They agree: strategies sum to their world, worlds sum to the global orders, in whole lots. */
export interface OrderSet {
  /** Every world of the plan, in its order; each list in the order of submission. */
  readonly perWorld: ReadonlyMap<string, readonly DraftOrder[]>;
  /** Empty unless asked for. */
  readonly global: readonly DraftOrder[];
  /** Empty unless asked for. */
  readonly perStrategy: readonly DraftOrder[];
  readonly violations: readonly OrderViolation[];
}

/**
 * The executable orders of a plan. Overlay deltas become orders of their own world; a strategy never owns them.
 *
 * @throws DomainError OVERLAY_EXECUTION_AMBIGUOUS when two worlds of the plan share an overlay instrument.
 */
export function orderSet(request: OrderRequest): OrderSet {
  const { plan, input, mode, constraints } = request;
  assertUnambiguous(mode, input.worldAfter);
  const holdings = holdingsOf(input.positions, constraints);
  const scaled = plan.perWorld.map((world) => ({ plan: world, ...shapeWorld(world, request, holdings) }));
  const overlaid = plan.overlayDeltas.map((delta) => ({
    worldId: delta.worldId,
    ...shapeOverlay(delta, request, holdings),
  }));
  const perWorld = byWorld(request, scaled, overlaid);
  const worldOrders = [...perWorld.values()].flat();
  const accountOptions = { ...baseOptions(request), positionOf: holdings.overall };
  const netted = request.sharedAccount ? netOrders(worldOrders, accountOptions) : NOTHING;
  const context = { input, mode, constraints, holdings, handling: baseOptions(request) };
  const perStrategy = request.perStrategy
    ? [
        ...strategyOrders(
          scaled.map(({ plan: world, orders }) => ({ plan: world, shaped: orders })),
          context,
        ),
        ...overlaid.flatMap(({ orders }) => orders.map(({ order }) => order)),
      ]
    : [];
  const violations = [
    ...plannedViolations(plan, input),
    ...scaled.flatMap((world) => world.violations),
    ...overlaid.flatMap((world) => world.violations),
    ...netted.violations,
  ];
  return { perWorld, global: netted.orders, perStrategy, violations };
}

const NOTHING = { orders: [], violations: [] };

/** The orders that are handed to the executor: of the shared account, or of every world; never both. */
export function ordersToSubmit({ perWorld, global }: OrderSet, sharedAccount: boolean): DraftOrder[] {
  return sharedAccount ? [...global] : inSubmissionOrder([...perWorld.values()].flat());
}

function baseOptions({ input, policies, constraints }: OrderRequest) {
  return {
    timeInForce: "GTC",
    hedgeMode: undefined,
    useReduceOnly: true,
    lotBySymbol: input.lotBySymbol,
    minNotional: input.minTradeNotional,
    policies,
    constraints,
  } as const satisfies Omit<ShapeOptions, "marks" | "positionOf">;
}

function shapeWorld({ worldId, deltas }: WorldPlan, request: OrderRequest, holdings: Holdings): ShapedOrders {
  return shapeOrders(
    deltas,
    { worldId, strategyId: "" },
    {
      ...baseOptions(request),
      marks: markTable(deltas),
      positionOf: holdings.ofWorld(worldId),
    },
  );
}

/** An overlay names no venue: the executor chooses one, so what counts is held anywhere. */
function shapeOverlay(
  { worldId, symbol, deltaQty, price }: OverlayDelta,
  request: OrderRequest,
  holdings: Holdings,
): ShapedOrders {
  const { mode } = request;
  const overlay = mode.kind === "scaling" ? undefined : mode.overlay;
  return shapeOrders(
    [{ symbol, venue: undefined, deltaQty }],
    { worldId, strategyId: "" },
    {
      ...baseOptions(request),
      minNotional: overlay?.minOrderNotional ?? 0,
      marks: markTable([{ symbol, venue: undefined, mark: price }]),
      positionOf: holdings.atAnyVenue(worldId),
    },
  );
}

interface OfWorld {
  readonly orders: ShapedOrders["orders"];
}

function byWorld(
  { plan }: OrderRequest,
  scaled: readonly (OfWorld & { readonly plan: WorldPlan })[],
  overlaid: readonly (OfWorld & { readonly worldId: string })[],
): Map<string, readonly DraftOrder[]> {
  const orders = new Map<string, DraftOrder[]>(plan.perWorld.map(({ worldId }) => [worldId, []]));
  const add = (worldId: string, shaped: ShapedOrders["orders"]): void => {
    const found = orders.get(worldId) ?? [];
    found.push(...shaped.map(({ order }) => order));
    orders.set(worldId, found);
  };
  for (const world of scaled) add(world.plan.worldId, world.orders);
  for (const world of overlaid) add(world.worldId, world.orders);
  return new Map([...orders].map(([worldId, list]) => [worldId, inSubmissionOrder(list)]));
}

/**
 * Fills of an instrument that two worlds overlay with cannot be told apart.
 *
 * @throws DomainError OVERLAY_EXECUTION_AMBIGUOUS.
 */
export function assertUnambiguous(mode: RebalanceMode, worldAfter: ReadonlyMap<string, number>): void {
  if (mode.kind === "scaling") return;
  const owners = new Map<string, string>();
  for (const worldId of worldAfter.keys()) {
    const symbol = mode.overlay?.instrumentByWorld.get(worldId);
    if (symbol === undefined) continue;
    const owner = owners.get(symbol);
    if (owner !== undefined) {
      const text = `overlay instrument '${symbol}' is shared by worlds '${owner}' and '${worldId}'`;
      throw new DomainError("OVERLAY_EXECUTION_AMBIGUOUS", text, { metadata: { symbol } });
    }
    owners.set(symbol, worldId);
  }
}

/** What the planner had to drop is reported in the words of orders, so that nothing vanishes between the two. */
function plannedViolations(plan: RebalancePlan, input: RebalanceInput): OrderViolation[] {
  return plan.skipped.flatMap((skipped) => {
    const named = skipped.worldId === "" ? undefined : skippedReason(skipped, input);
    if (named === undefined) return [];
    const { worldId, symbol, venue } = skipped;
    return [
      { worldId, symbol, venue, reason: named.reason, details: new Map(Object.entries(named.details)) },
    ];
  });
}

interface NamedReason {
  readonly reason: string;
  readonly details: Readonly<Record<string, number>>;
}

function skippedReason(
  { reason, symbol, deltaQty, notional }: SkippedDelta,
  input: RebalanceInput,
): NamedReason | undefined {
  switch (reason) {
    case "NO_MARK":
      return { reason: "missing-mark", details: { requested_qty: deltaQty } };
    case "BELOW_LOT":
      return {
        reason: "lot-size",
        details: { requested_qty: deltaQty, lot_size: input.lotBySymbol.get(symbol) ?? 0 },
      };
    case "BELOW_MIN_NOTIONAL":
      return belowMinimum(deltaQty, notional, { min_notional: input.minTradeNotional });
    case "OVERLAY_BELOW_MIN_NOTIONAL":
      return belowMinimum(deltaQty, notional, {});
    default:
      return undefined; // nothing was wanted
  }
}

function belowMinimum(
  quantity: number,
  notional: number,
  minimum: Readonly<Record<string, number>>,
): NamedReason {
  const mark = quantity === 0 ? {} : { mark: notional / quantity };
  return { reason: "min-notional", details: { ...minimum, quantity, ...mark } };
}
