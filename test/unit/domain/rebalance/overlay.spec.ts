import { expect } from "chai";
import {
  columnsFromRows,
  planChecked,
  planRebalance,
  type RebalanceInput,
  type RebalanceMode,
} from "../../../../src/domain/rebalance/index.ts";
import { planOverlay, withoutOverlayPositions } from "../../../../src/domain/rebalance/overlay.ts";
import { overlayInstruments } from "../../../../src/domain/rebalance/overlay-config.ts";
import {
  difference,
  type GoldenDelta,
  type GoldenNumber,
  type GoldenPosition,
  goldenCases,
  hasDefect,
  onlyDefects,
  toColumns,
  toMap,
} from "./golden-cases.ts";
import { refusalOf } from "./refusals.ts";

type Numbers = Readonly<Record<string, GoldenNumber>>;
interface OverlayInput {
  readonly positions: readonly GoldenPosition[];
  readonly world_alloc_before: Numbers;
  readonly world_alloc_after: Numbers;
  readonly overlay: {
    readonly instrument_by_world?: Readonly<Record<string, string>>;
    readonly price_by_symbol?: Numbers;
    readonly min_order_notional?: number | null;
  };
  readonly scale_by_world: Numbers | null;
}

function plan(input: OverlayInput): { deltas: GoldenDelta[]; reasons: string[] } {
  const overlay = {
    instrumentByWorld: new Map(Object.entries(input.overlay.instrument_by_world ?? {})),
    priceBySymbol: toMap(input.overlay.price_by_symbol),
    minOrderNotional: input.overlay.min_order_notional ?? 0,
  };
  const worldAfter = toMap(input.world_alloc_after);
  const instruments = overlayInstruments(overlay, worldAfter, "overlay", "overlay");
  const { positions } = withoutOverlayPositions(toColumns(input.positions), instruments);
  const ratios = { worldBefore: toMap(input.world_alloc_before), worldAfter };
  const scales = toMap(input.scale_by_world);
  const result = planOverlay(
    { ...ratios, positions, lotBySymbol: new Map() },
    instruments,
    overlay.minOrderNotional,
    scales,
  );
  return {
    deltas: result.deltas.map(({ symbol, deltaQty }) => ({ symbol, delta_qty: deltaQty, venue: null })),
    reasons: result.skipped.map(({ reason }) => reason),
  };
}

const cases = goldenCases<OverlayInput, GoldenDelta[]>("overlay");

const example = (
  mode: Partial<Extract<RebalanceMode, { kind: "overlay" }>["overlay"]> = {},
): [RebalanceInput, RebalanceMode] => [
  {
    totalEquity: 1000,
    worldBefore: new Map([["w", 0.4]]),
    worldAfter: new Map([["w", 0.2]]),
    strategyBefore: new Map(),
    strategyAfter: new Map(),
    positions: columnsFromRows([
      { worldId: "w", strategyId: "s", symbol: "X", venue: undefined, qty: 4, mark: 100 },
      { worldId: "w", strategyId: "s", symbol: "PERP", venue: "v", qty: 9, mark: 50 },
    ]),
    minTradeNotional: 0,
    lotBySymbol: new Map([["PERP", 3]]),
  },
  {
    kind: "overlay",
    overlay: {
      instrumentByWorld: new Map([["w", "PERP"]]),
      priceBySymbol: new Map([["PERP", 50]]),
      minOrderNotional: 0,
      ...mode,
    },
  },
];

describe("overlay planner", () => {
  for (const { id, input, expected } of cases.filter(onlyDefects([]))) {
    it(`gives the answer of ${id}`, () => {
      if (expected.error === undefined) {
        expect(difference(plan(input).deltas, expected.result)).to.equal(undefined);
        return;
      }
      const refusal = refusalOf(() => plan(input));
      expect([refusal.reason, refusal.message]).to.deep.equal([
        "OVERLAY_CONFIG_INVALID",
        expected.error.message,
      ]);
      expect(refusal.violations.length).to.equal(1);
    });
  }

  it("D11: never emits a delta of zero, but says that nothing had to change", () => {
    const found = cases.filter(hasDefect("D11"));
    expect(found.length).to.equal(10);
    for (const { id, input, expected } of found) {
      const got = plan(input);
      const real = (expected.result ?? []).filter(({ delta_qty }) => Math.abs(Number(delta_qty)) > 1e-12);
      expect(real.length, id).to.be.lessThan(expected.result?.length ?? 0);
      expect(difference(got.deltas, real), id).to.equal(undefined);
      expect(got.reasons, id).to.include("UNCHANGED_ALLOCATION");
    }
  });

  it("D12: refuses a price that is not above 0", () => {
    const found = cases.filter(hasDefect("D12"));
    expect(found.length).to.equal(1);
    for (const { input } of found) {
      const refusal = refusalOf(() => plan(input));
      expect(refusal.reason).to.equal("OVERLAY_CONFIG_INVALID");
      expect(refusal.violations.map(({ field }) => field)).to.deep.equal(['overlay.price_by_symbol["P"]']);
    }
  });

  it("D13: keeps the deltas of worlds that share an instrument apart, each with its world", () => {
    const found = cases.filter(hasDefect("D13"));
    expect(found.length).to.equal(1);
    for (const { input, expected } of found) {
      expect(difference(plan(input).deltas, expected.result)).to.equal(undefined);
    }
  });

  it("names what is missing of its configuration, with the field", () => {
    const refused = (
      overlay: Parameters<typeof example>[0] | undefined,
      kind: "overlay" | "hybrid" = "overlay",
    ) => {
      const [input, mode] = example(overlay);
      const asked = overlay === undefined ? undefined : mode.kind === "overlay" ? mode.overlay : undefined;
      const full: RebalanceMode =
        kind === "overlay" ? { kind, overlay: asked } : { kind, overlay: asked, scalingFraction: 1 };
      const refusal = refusalOf(() => planChecked(input, full, "v2", "rebalance"));
      return [refusal.reason, refusal.message, refusal.violations[0]?.field];
    };
    const reason = "OVERLAY_CONFIG_INVALID";
    expect(refused(undefined)).to.deep.equal([
      reason,
      "overlay config is required when mode='overlay'",
      "rebalance.overlay",
    ]);
    expect(refused(undefined, "hybrid")).to.deep.equal([
      reason,
      "overlay config is required when mode='hybrid'",
      "rebalance.hybrid.overlay",
    ]);
    expect(refused({ instrumentByWorld: new Map() })).to.deep.equal([
      reason,
      "overlay.instrument_by_world is required for overlay mode",
      "rebalance.overlay.instrument_by_world",
    ]);
    expect(refused({ priceBySymbol: new Map() })).to.deep.equal([
      reason,
      "overlay.price_by_symbol is required for overlay mode",
      "rebalance.overlay.price_by_symbol",
    ]);
    expect(refused({ instrumentByWorld: new Map([["other", "PERP"]]) })).to.deep.equal([
      reason,
      "overlay.instrument_by_world missing world 'w'",
      'rebalance.overlay.instrument_by_world["w"]',
    ]);
    expect(refused({ priceBySymbol: new Map([["PERP", 0]]) }, "hybrid")).to.deep.equal([
      reason,
      "overlay.price_by_symbol missing or zero for instrument 'PERP'",
      'rebalance.hybrid.overlay.price_by_symbol["PERP"]',
    ]);
  });

  it("leaves the overlay's own position out of the notional, warns, and rounds to the instrument's lot", () => {
    const got = planRebalance(...example(), "v2");
    // Half of 400 is -200, -4 units at 50, -3 in lots of 3.
    expect(got.overlayDeltas).to.deep.equal([{ worldId: "w", symbol: "PERP", deltaQty: -3, price: 50 }]);
    expect(got.warnings.map(({ code, worldId, symbol }) => [code, worldId, symbol])).to.deep.equal([
      ["OVERLAY_POSITION_EXCLUDED", "w", "PERP"],
    ]);
    expect([got.perWorld, got.globalDeltas]).to.deep.equal([[], []]);
  });

  it("says why a world gets no overlay order", () => {
    const skippedOf = (input: RebalanceInput, mode: RebalanceMode) =>
      planRebalance(input, mode, "v2").skipped.map(({ reason, deltaQty, notional }) => [
        reason,
        deltaQty,
        notional,
      ]);
    const [input, mode] = example();
    expect(skippedOf(...example({ minOrderNotional: 201 }))).to.deep.equal([
      ["OVERLAY_BELOW_MIN_NOTIONAL", -4, -200],
    ]);
    expect(skippedOf({ ...input, lotBySymbol: new Map([["PERP", 5]]) }, mode)).to.deep.equal([
      ["BELOW_LOT", -4, -200],
    ]);
    expect(skippedOf({ ...input, worldAfter: input.worldBefore }, mode)).to.deep.equal([
      ["UNCHANGED_ALLOCATION", 0, 0],
    ]);
    expect(skippedOf({ ...input, positions: columnsFromRows([]) }, mode)).to.deep.equal([
      ["ZERO_NOTIONAL", 0, 0],
    ]);
  });
});
